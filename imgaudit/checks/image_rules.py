"""The image, IA7xx: what each check means. image_config.py and image_history.py judge."""

from imgaudit.checks.interface import Rule

BASE = Rule(
    id="IA701",
    name="unpinned-base",
    title="The base image is not pinned",
    severity="low",
    what="The base's name as the label org.opencontainers.image.base.name gives it, or those that BuildKit's "
    "provenance names: no tag or latest, and no digest beside it. Without either nothing in an image says "
    "what its FROM was, and the check is skipped.",
    why="latest is another image tomorrow: a rebuild brings changes that nobody chose, and can't be repeated.",
    fix="FROM with a version, better with a digest (alpine:3.20@sha256:...), kept up to date by Renovate or "
    "Dependabot. Where it is skipped, have the image say it: the label org.opencontainers.image.base.name, or "
    "BuildKit's provenance.",
    references=("CIS Docker Benchmark 4.2", "dockle DKL-DI-0006"),
)
LABELS = Rule(
    id="IA702",
    name="oci-labels",
    title="Labels are missing that say where the image comes from",
    severity="info",
    what="The labels org.opencontainers.image.source, revision, version and licenses.",
    why="Without them nobody can tell from a running image which source to look at and which release it is.",
    fix="docker build --label org.opencontainers.image.source=... --label "
    "org.opencontainers.image.revision=$(git rev-parse HEAD), and so on; docker/metadata-action sets all of "
    "them.",
    references=("OCI image-spec, annotations",),
)
PORTS = Rule(
    id="IA703",
    name="admin-ports",
    title="A port for administration or debugging is exposed",
    severity="medium",
    what="EXPOSE of ports that are known for SSH, Telnet, the Docker API, Delve and pprof.",
    why="EXPOSE opens nothing by itself, but docker run -P publishes it, and it says that something listens "
    "there: Delve and the plain Docker API give whoever reaches them control.",
    fix="Take the EXPOSE out of the image that is shipped. Serve pprof on a port of localhost, and debug in an "
    "image of its own.",
    references=("CIS Docker Benchmark, section 5: no SSH in containers",),
)
VOLUMES = Rule(
    id="IA704",
    name="volume-traps",
    title="A VOLUME in the wrong place",
    severity="medium",
    what="VOLUME on a folder of the system (/dev, /proc, /sys, /etc, /bin, /lib, /usr, / itself) or on one that "
    "holds the program.",
    why="A volume covers what the image holds there. A named volume keeps the first version's files: after an "
    "update the old program still runs.",
    fix="Declare volumes only for folders of data, such as /data; or none, and mount when running.",
    references=("dockle DKL-DI-0002",),
)
ADD_URL = Rule(
    id="IA705",
    name="add-url",
    title="A file from the network was added without a visible check",
    severity="low",
    what="ADD of an URL in the history. Whether --checksum was given the history does not tell.",
    why="What the server sends is taken as it is, and may be something else at the next build. dockle finds "
    "fault with each ADD; local files are no worse with ADD than with COPY.",
    fix="ADD --checksum=sha256:... URL, or fetch in a build stage, compare the checksum there, and COPY.",
    references=("CIS Docker Benchmark 4.9", "dockle CIS-DI-0009"),
)
LAYERS = Rule(
    id="IA706",
    name="many-layers",
    title="The image has many layers",
    severity="info",
    what="More than 20 layers on top of those that are known as the base's.",
    why="Each layer is a request more for each pull, and what one adds and another deletes is pulled for nothing.",
    fix="A build stage may have as many as it likes: copy its result into the last stage in a few COPY.",
)
HEALTH = Rule(
    id="IA707",
    name="healthcheck",
    title="Nothing tells whether the service is well",
    severity="info",
    may_be="medium",
    what="A HEALTHCHECK in the config, and whether it can run: its shell form needs a shell, and the image what it "
    "calls first. On scratch and distroless none is asked for: there the orchestrator's probe looks from outside.",
    why="Docker and Compose restart what ended, not what hangs, unless a health check tells them. Kubernetes "
    "ignores HEALTHCHECK and uses its own probes.",
    fix='HEALTHCHECK CMD ["/app", "-health"], or HEALTHCHECK NONE where an orchestrator\'s probes (httpGet '
    "in Kubernetes) do it.",
    references=("CIS Docker Benchmark 4.6", "dockle CIS-DI-0006"),
)
TAG = Rule(
    id="IA708",
    name="latest-tag",
    title="The image goes by the tag latest",
    severity="info",
    what="The reference that was given: a registry's or an engine's name with the tag latest, or without tag and "
    "digest.",
    why="Nobody can say what ran last week under a tag that moves, nor go back to it.",
    fix="Tag with the version or the commit, and deploy by digest.",
    references=("dockle DKL-DI-0006",),
)
SUDO = Rule(
    id="IA709",
    name="sudo",
    title="sudo is used or in the image",
    severity="low",
    what="sudo as a command in the history's RUN, or sudo or doas among the OS packages.",
    why="A build runs as root anyway. In the image sudo is a setuid program with a long record of holes.",
    fix="USER root for the steps that need it and the service's user for the rest; to start as another user: "
    "setpriv or su-exec.",
    references=("dockle DKL-DI-0001",),
)
DIST_UPGRADE = Rule(
    id="IA710",
    name="dist-upgrade",
    title="The build changes the distribution's release",
    severity="low",
    what="apt-get dist-upgrade, apt full-upgrade or do-release-upgrade in the history. A plain upgrade, which "
    "takes security fixes in, is no fault.",
    why="It may remove packages and pull in others as it sees fit: the base that was chosen is not the base that runs.",
    fix="Choose a newer base, and rebuild with docker build --pull.",
    references=("dockle DKL-DI-0003",),
)
UPDATE_ALONE = Rule(
    id="IA711",
    name="update-alone",
    title="Lists of packages are fetched in a RUN of their own",
    severity="low",
    what="apt-get update or apk update in a RUN that neither installs nor upgrades.",
    why="The step is cached: a later install uses lists of months ago, and takes packages without their fixes "
    "or fails.",
    fix="RUN apt-get update && apt-get install -y ... && rm -rf /var/lib/apt/lists/*; apk add --no-cache ...",
    references=("CIS Docker Benchmark 4.7", "dockle CIS-DI-0007"),
)
