"""The parts of the official client of Azure ML that the tests use."""

import warnings

with warnings.catch_warnings():
    # It uses marshmallow 3 as version 4 will not permit it, and says so when it is imported.
    warnings.simplefilter("ignore")
    from azure.ai.ml._azure_environments import _environments as environments
    from azure.ai.ml._restclient.arm_ml_service import MachineLearningServicesMgmtClient
    from azure.ai.ml._restclient.arm_ml_service.models import ModelContainer, ModelVersion
    from azure.ai.ml._restclient.registry_discovery import RegistryDiscoveryClient
    from azure.ai.ml._utils._registry_utils import (
        REGISTRY_DATAPLANE_API_VERSION,
        RegistryDiscovery,
        get_registry_versioned_asset,
        list_registry_assets,
    )
    from azure.ai.ml.entities import Model

__all__ = [
    "REGISTRY_DATAPLANE_API_VERSION",
    "MachineLearningServicesMgmtClient",
    "Model",
    "ModelContainer",
    "ModelVersion",
    "RegistryDiscovery",
    "RegistryDiscoveryClient",
    "environments",
    "get_registry_versioned_asset",
    "list_registry_assets",
]
