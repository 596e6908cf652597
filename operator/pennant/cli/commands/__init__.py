"""The click command of each verb, without what the verb needs to do its work: help and completion stay fast."""
