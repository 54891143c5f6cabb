"""nirls: from a trial's raw files to a report that answers its questions.

One stage a file in workflow/rules; what is run is decided by the plan in config/.
"""

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.27")
sys.path.insert(0, str(Path(workflow.basedir) / "src"))
os.environ["PYTHONPATH"] = sys.path[0]
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from nirls.errors import NirlsError
from nirls.workflow import Targets


report: "workflow/report/workflow.rst"


try:
    plan = Targets.load(config)
except NirlsError as error:
    raise WorkflowError(str(error))


wildcard_constraints:
    dataset="|".join(plan.datasets),
    analysis="|".join(plan.analyses) or "none",
    stem="|".join(plan.stems) or "none",


localrules:
    all,


rule all:
    default_target: True
    input:
        plan.report,


include: "workflow/rules/ingest.smk"
include: "workflow/rules/derive.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/display.smk"
include: "workflow/rules/report.smk"


onsuccess:
    print(f"\nThe report: {plan.report}")


onerror:
    print(
        f"\nThe run stopped; what failed and why is said above, in full under {plan.out}/logs/"
    )
