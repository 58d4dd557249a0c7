"""The claims, document by document, in the documents' order.

A document is named by the folder of its system. A claim is told in plain words, with the figure that stands in it.
"""

from sample_images.claims.claim import Claim
from sample_images.claims.documents import bulletproof, devops_go, go_app, go_services, go_services_at_work, multi_stage
from sample_images.claims.documents import security as safe

DOCUMENTS = ("bulletproof", "go-services", "go-app", "multi-stage", "devops-go")
CLAIMS: tuple[Claim, ...] = (
    *bulletproof.CLAIMS,
    *safe.BULLETPROOF,
    *go_services.CLAIMS,
    *go_services_at_work.CLAIMS,
    *safe.GO_SERVICES,
    *go_app.CLAIMS,
    *safe.GO_APP,
    *multi_stage.CLAIMS,
    *safe.MULTI_STAGE,
    *devops_go.CLAIMS,
    *safe.DEVOPS_GO,
)
