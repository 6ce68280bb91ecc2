from .grid import Knot as Knot
from .grid import finite_difference_dof as finite_difference_dof
from .grid import grid_path as grid_path
from .implicit import Sensitivity as Sensitivity
from .implicit import jacobian as jacobian
from .program import Program as Program
from .program import program_of as program_of
