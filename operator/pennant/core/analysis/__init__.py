"""From the metrics of a ModelDeployment to the verdict on its current revision.

The modules in the order in which data pass through them; `in -> out`:

- `grid`: the interval, and when a revision became available -> the times of its checks
- `query_template`, `promql`: a text with placeholders, and a revision -> the text of a query, and how far it reaches
- `kind`: what each kind of metric provides: `MetricKind`, `WatchedRevision`, `Reading`
- `baseline`, `evaluation`, `number`: answers that are series of numbers -> checks -> one `Reading`
- `kinds`: one module for each kind of metric, and the table `KINDS` of them all
- `schedule`: the spec and status of a ModelDeployment, and the time -> the requests that are due
- `reading`: one metric, and what came back -> its `Reading`; no answer and a late answer are handled here for all kinds
- `assessment`: all metrics, and what came back -> the `Verdict`

To add a kind of metric, see "A kind of metric, and a type of metric source" in docs/architecture.md.
"""
