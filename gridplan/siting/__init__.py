"""Where activity rooms go, with a bound on how good any plan could be."""

from gridplan.siting.aims import Aim
from gridplan.siting.assessment import Evaluation, evaluate
from gridplan.siting.capacity import ROOM_NORM, Grade, GradedNorm, HardCapacity, SoftCapacity
from gridplan.siting.center import p_center, p_quantile
from gridplan.siting.equitable import p_ede
from gridplan.siting.median import p_median
from gridplan.siting.most_cover import mclp
from gridplan.siting.options import Limits, Progress, Reach, Rules, Stop
from gridplan.siting.problem import Problem, make_problem
from gridplan.siting.result import Siting, Status
from gridplan.siting.rooms import RoomProblem, Solver, check_number, propose_rooms
from gridplan.siting.set_cover import lscp
from gridplan.siting.several import Ranked, Stage, lexicographic, pareto

__all__ = [
    "ROOM_NORM",
    "Aim",
    "Evaluation",
    "Grade",
    "GradedNorm",
    "HardCapacity",
    "Limits",
    "Problem",
    "Progress",
    "Ranked",
    "Reach",
    "RoomProblem",
    "Rules",
    "Siting",
    "SoftCapacity",
    "Solver",
    "Stage",
    "Status",
    "Stop",
    "check_number",
    "evaluate",
    "lexicographic",
    "lscp",
    "make_problem",
    "mclp",
    "p_center",
    "p_ede",
    "p_median",
    "p_quantile",
    "pareto",
    "propose_rooms",
]
