"""The words of PromQL that mean something by themselves. The case of all but functions does not matter."""

AGGREGATIONS = frozenset(
    (
        *("avg", "bottomk", "count", "count_values", "group", "limit_ratio", "limitk", "max", "min"),
        *("quantile", "stddev", "stdvar", "sum", "topk"),
    )
)
FUNCTIONS = frozenset(
    (
        *("abs", "absent", "absent_over_time", "acos", "acosh", "asin", "asinh", "atan", "atanh"),
        *("avg_over_time", "ceil", "changes", "clamp", "clamp_max", "clamp_min", "cos", "cosh"),
        *("count_over_time", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "deg", "delta"),
        *("deriv", "double_exponential_smoothing", "exp", "first_over_time", "floor", "histogram_avg"),
        *("histogram_count", "histogram_fraction", "histogram_quantile", "histogram_stddev"),
        *("histogram_stdvar", "histogram_sum", "holt_winters", "hour", "idelta", "increase", "irate"),
        *("label_join", "label_replace", "last_over_time", "ln", "log10", "log2", "mad_over_time"),
        *("max_over_time", "min_over_time", "minute", "month", "pi", "predict_linear", "present_over_time"),
        *("quantile_over_time", "rad", "rate", "resets", "round", "scalar", "sgn", "sin", "sinh", "sort"),
        *("sort_by_label", "sort_by_label_desc", "sort_desc", "sqrt", "stddev_over_time", "stdvar_over_time"),
        *("sum_over_time", "tan", "tanh", "time", "timestamp", "vector", "year"),
    )
)
"""Functions that read nothing but their arguments. `info` reads other series, and is none of them."""
WORD_OPERATORS = frozenset((*("and", "atan2", "or", "unless"),))
_MODIFIERS = frozenset(
    (
        *("bool", "by", "fill", "fill_left", "fill_right", "group_left", "group_right", "ignoring", "offset"),
        *("on", "without"),
    )
)
_PREPROCESSORS = frozenset((*("anchored", "end", "max_of", "min_of", "range", "smoothed", "start", "step"),))
KEYWORDS = AGGREGATIONS | _MODIFIERS | WORD_OPERATORS | _PREPROCESSORS
NUMBERS = frozenset(("inf", "nan"))
