"""From a metric of the spec to a verdict: when it is read, its query, its checks, and what they say together."""
