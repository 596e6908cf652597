"""`dashboard`: a local, read-only web page about ModelDeployments.

`view` and the modules beside it turn snapshots into frozen values, `pages` renders these by the templates, `feed` reads
the cluster, and `server` answers requests on 127.0.0.1.
"""
