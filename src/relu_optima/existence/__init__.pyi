from .atlas import atlas as atlas
from .certificate import Certificate as Certificate
from .check import CheckReport as CheckReport
from .check import check_files as check_files
from .networks import decide as decide
from .repair import Repair as Repair
from .repair import repair as repair
from .verdict import Verdict as Verdict
