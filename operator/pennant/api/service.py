"""`spec.service` of a ModelDeployment: the Service that it owns."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from pennant.api.meta import STORED_DEFAULT, ApiModel, IntOrText, Label, listed
from pennant.api.object_metadata import Annotations, Labels, ObjectMetadata

LONGEST_PORT_NAME = 15
PORT_NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
QUALIFIED_PATTERN = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
QualifiedName = Annotated[str, Field(min_length=1, max_length=253, pattern=QUALIFIED_PATTERN)]
"""A name with an optional domain, such as `example.com/internal`."""
PortNumber = Annotated[int, Field(ge=1, le=65_535)]
# The schema has the pattern of a name. In this rule Kubernetes 1.33 would estimate it as too costly for a list.
TARGET = (
    "type(self) == int ? self >= 1 && self <= 65535 : true",
    "must be a port number, or the name of a port of the container",
)
TargetPort = Annotated[int | str, IntOrText(PORT_NAME_PATTERN, 1, LONGEST_PORT_NAME, TARGET, 65_535)]


class ServiceType(StrEnum):
    """How a Service is reached."""

    CLUSTER_IP = "ClusterIP"
    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"


class Protocol(StrEnum):
    """The transport protocol of a port."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


class ServicePort(ApiModel):
    """A port of the Service."""

    name: Annotated[Label, Field(json_schema_extra={STORED_DEFAULT: "http"})] = "http"
    """Name of the port, unique in the Service. Default: `http`."""
    port: PortNumber
    """Port of the Service."""
    target_port: TargetPort | None = None
    """Port of the pods: a number, or the name of a port of a container. Default: `port`."""
    protocol: Protocol = Protocol.TCP
    """Protocol of the port: TCP, UDP or SCTP. Default: TCP."""
    app_protocol: QualifiedName | None = None
    """Application protocol of the port, such as `http` or `kubernetes.io/h2c`."""
    node_port: PortNumber | None = None
    """Port on each node, for the types NodePort and LoadBalancer. Default: Kubernetes chooses one."""


class Service(ObjectMetadata):
    """The Service that sends requests to the pods. The operator creates, corrects and deletes it."""

    labels: Labels | None = None
    """Labels of the Service."""
    annotations: Annotations | None = None
    """Annotations of the Service, such as those of a load balancer."""
    name: Label | None = None
    """Name of the Service. Default: the name of the ModelDeployment, which must then have no dots."""
    type: ServiceType = ServiceType.CLUSTER_IP
    """How the Service is reached: ClusterIP, NodePort or LoadBalancer. Default: ClusterIP."""
    headless: bool = False
    """Whether the Service has no address of its own, so that its name resolves to the addresses of the pods. Default:
    false."""
    load_balancer_class: QualifiedName | None = None
    """Class of the load balancer, for the type LoadBalancer."""
    ports: Annotated[
        tuple[ServicePort, ...], Field(min_length=1, max_length=16, json_schema_extra=listed("map", "name"))
    ]
    """Ports of the Service."""

    RULES: ClassVar[tuple[tuple[str, str], ...]] = (
        *ObjectMetadata.RULES,
        (
            "!has(self.headless) || !self.headless || !has(self.type) || self.type == 'ClusterIP'",
            "service.headless needs the type ClusterIP",
        ),
        (
            "(has(self.type) && self.type != 'ClusterIP') || !self.ports.exists(p, has(p.nodePort))",
            "service.ports[].nodePort needs the type NodePort or LoadBalancer",
        ),
        (
            "!has(self.loadBalancerClass) || (has(self.type) && self.type == 'LoadBalancer')",
            "service.loadBalancerClass needs the type LoadBalancer",
        ),
    )

    @model_validator(mode="after")
    def _fields_of_the_type(self) -> "Service":
        is_internal = self.type is ServiceType.CLUSTER_IP
        wrong = (
            self.headless and not is_internal,
            is_internal and any(each.node_port is not None for each in self.ports),
            self.load_balancer_class is not None and self.type is not ServiceType.LOAD_BALANCER,
        )
        for is_wrong, (_, message) in zip(wrong, self.RULES[2:], strict=True):
            if is_wrong:
                raise ValueError(message)
        return self
