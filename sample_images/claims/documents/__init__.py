"""The claims, document by document, in the documents' order.

A document is named by the folder of its system. A claim is told in plain words, with the figure that stands in it.
"""

from sample_images.claims.claim import Claim
from sample_images.claims.documents import bulletproof, devops_go, go_app, go_services, go_services_at_work, multi_stage

DOCUMENTS = ("bulletproof", "go-services", "go-app", "multi-stage", "devops-go")
CLAIMS: tuple[Claim, ...] = (
    *bulletproof.CLAIMS,
    *go_services.CLAIMS,
    *go_services_at_work.CLAIMS,
    *go_app.CLAIMS,
    *multi_stage.CLAIMS,
    *devops_go.CLAIMS,
)
