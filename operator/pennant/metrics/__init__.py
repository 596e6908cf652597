"""Metric sources: `config` reads the operator's file of sources, and each type of source is one module.

- `config`: the file, and the table `SOURCE_TYPES`
- `settings`: what the settings of all types have in common
- `http`, `fair_queue`: a client for types that speak HTTP, with limits on time, size and concurrency
- `access`: sources for some namespaces only
- `bounded_query`, `promql_tokens`, `promql_words`: bounds a query of PromQL to the series of one namespace
- `prometheus`, `prometheus_answers`, `alert_cache`: the type `prometheus`
"""
