"""Mutants of the formulas that other results rest on: module, what stands there, what it becomes.

Kernels that numba keeps compiled are left out: they would run from the cache, not from the text.
"""

PACKAGE = "relu_optima"
FORGET = ("tests.",)

TESTS = {
    "training": ["tests/training"],
    "pruning": ["tests/pruning"],
    "sensitivity": ["tests/sensitivity"],
    "optimal_set": ["tests/optimal_set", "tests/theorems"],
    "convex.certificate": ["tests/convex/test_certificate.py", "tests/convex/test_evidence.py"],
    "convex.session": ["tests/convex/test_solver.py"],
    "convex.scaling": ["tests/convex/test_stage.py", "tests/convex/test_gates.py"],
    "convex.loss": ["tests/convex/test_losses.py"],
    "convex.deep": ["tests/convex/deep"],
    "convex.vector": ["tests/convex/vector"],
    "convex.one_dimensional": ["tests/convex/one_dimensional"],
    "convex.sparse": ["tests/convex/sparse"],
    "datasets": ["tests/datasets/test_preparation.py"],
    "publish": ["tests/publish"],
}

MUTANTS = {
    # training
    "topkast-B-smallest": (
        "training.methods.top_kast",
        "self.trained[k] = largest(magnitude, allowed, outer)",
        "self.trained[k] = self.forward[k] | largest(-magnitude, allowed, outer - inner)",
    ),
    "topkast-absolute": (
        "training.methods.top_kast",
        "(2.0 if self.penalty_power == 2 else 1.0)",
        "2.0",
    ),
    "topkast-density": ("training.methods.top_kast", "(b & ~a) / self.config.density", "(b & ~a)"),
    "penalty-sign": ("training.engine", "W if power == 2 else W.sign()", "W"),
    "set-new-scale": (
        "training.methods.set",
        "self.config.gain / np.sqrt(W.shape[1])",
        "self.config.gain",
    ),
    "set-drops-largest": (
        "training.methods.set",
        "largest(magnitude, active,",
        "largest(-magnitude, active,",
    ),
    "rigl-schedule": ("training.methods.rigl", "(1 + math.cos(math.pi * step / self.last))", "2"),
    "rigl-grows-smallest": (
        "training.methods.rigl",
        "largest(np.abs(G.cpu().numpy()),",
        "largest(-np.abs(G.cpu().numpy()),",
    ),
    "rescaled": ("training.stage", "np.sqrt(below * above).sum()", "(0.5 * (below + above)).sum()"),
    "rescaled-constant": ("training.stage", "(paths + 0.5 * constant)", "paths"),
    "growth-slope": (
        "training.growth",
        "u @ (v - v.mean()) / (u @ u)",
        "(v[-1] - v[0]) / (u[-1] - u[0])",
    ),
    "growth-half": ("training.growth", "epoch >= epoch[-1] / 2", "epoch >= 0"),
    "decay-biases": ("training.measures", "all2 if problem.config.decay_biases else norm2", "all2"),
    "product-error": (
        "training.measures",
        "linear_product(weights) - A",
        "linear_product(weights) + A",
    ),
    # pruning
    "gradient-penalty": ("pruning.methods.gradient", " + problem.lam * network.directions", ""),
    "gradient-weight": (
        "pruning.methods.gradient",
        "beta[:, None] * network.directions * gradient",
        "gradient",
    ),
    "activation-length": (
        "pruning.methods.activation",
        "np.square(beta * lengths)",
        "np.square(beta)",
    ),
    "magnitude-move": ("pruning.exact", "-null @ null[smallest]", "null @ null[smallest]"),
    "largest-move": (
        "pruning.exact",
        "-beta * (scaled @ scaled[largest])",
        "-(scaled @ scaled[largest])",
    ),
    "combination": (
        "pruning.approximate",
        "(1 - combination / combination[leaving])",
        "(1 - np.abs(combination / combination[leaving]))",
    ),
    "nearest": (
        "pruning.approximate",
        "np.argmin(values / np.linalg.norm(dual, axis=1))",
        "np.argmin(1 / np.linalg.norm(dual, axis=1))",
    ),
    # sensitivity
    "folds-strength": (
        "sensitivity.selection",
        "np.asarray(lams) * kept.size / n",
        "np.asarray(lams)",
    ),
    "leverage": (
        "sensitivity.implicit",
        "leverage / (1 - leverage) * residual",
        "leverage * residual",
    ),
    "weight-residual": ("sensitivity.implicit", "moved[:, :, 1:] * residual", "moved[:, :, 1:]"),
    "curvature": ("sensitivity.implicit", "problem.lam / f.beta *", "problem.lam *"),
    "interval-outside": ("sensitivity.implicit", "np.array([1 - drift])", "np.array([1 + drift])"),
    "binding": ("sensitivity.faces", "if pushing.sum() < wanted:", "if False:"),
    "multiplier": (
        "sensitivity.faces",
        "projection.multipliers > MULTIPLIER_TOL * problem.lam",
        "projection.multipliers >= 0",
    ),
    "jump": ("sensitivity.tracer", "(side - norms[1]) / side", "(side - norms[1])"),
    # optimal set
    "set-dimension": (
        "optimal_set.polytope",
        "self.support.size - rank(",
        "self.start.size - rank(",
    ),
    "width-dimension": (
        "optimal_set.width",
        "width - min_width if reached",
        "width - min_width + 1 if reached",
    ),
    "hit-and-run": (
        "optimal_set.hit_and_run",
        "rng.random(chains) * (high - low)",
        "rng.random(chains) ** 4 * (high - low)",
    ),
    "antipodal-signs": (
        "optimal_set.described",
        "(signed @ signed.T < -1 + 1e-9) & same",
        "(signed @ signed.T < 0) & same",
    ),
    "criterion-side": (
        "optimal_set.criteria",
        "_least_distance(moved, -base)",
        "_least_distance(moved, base)",
    ),
    "null-scale": ("optimal_set.rank", "right[found:].T / norms[:, None]", "right[found:].T"),
    "most-vertices": (
        "optimal_set.polytope",
        "dimension // 2, (dimension - 1) // 2",
        "dimension // 2, dimension // 2",
    ),
    # certificates of the convex program
    "multiple-feasible": ("convex.certificate", "beta = min(beta, lam / height)", "beta = beta"),
    "dual-square": ("convex.certificate", "- 0.5 * beta**2 * square", "- beta**2 * square"),
    "violation": ("convex.certificate", "worst / float(norms.max())", "0.0"),
    "height-of-idle": ("convex.certificate", "max(kkt, height / lam - 1.0)", "kkt"),
    "evidence-rounding": (
        "convex.certificate",
        "np.linalg.norm(point, axis=1) + wrong",
        "np.linalg.norm(point, axis=1)",
    ),
    "cone-side": (
        "convex.certificate",
        "np.where(pattern, 1.0, -1.0)[:, None] * self.rows",
        "np.where(pattern, 1.0, 1.0)[:, None] * self.rows",
    ),
    "session-violation": (
        "convex.session",
        "worst / float(row_norms(blocks).max())",
        "0.0",
    ),
    "per-sample": ("convex.scaling", "return n * lam", "return lam"),
    # losses
    "logistic-slope": (
        "convex.loss",
        "np.where(margin > 0, small, 1)",
        "np.where(margin > 0, 1, small)",
    ),
    "logistic-entropy": ("convex.loss", "-np.inf, -entropy)", "-np.inf, entropy)"),
    "huber-conjugate": ("convex.loss", "a - t * t / 2)", "a - t * t)"),
    "hinge-conjugate": ("convex.loss", "a - a * a / 2)", "a - a * a)"),
    "hinge-domain": ("convex.loss", "(a < 0) | (a > 1), -np.inf, a", "a > 1, -np.inf, a"),
    "intercept-dual": (
        "convex.certificate",
        "loss.balanced(loss.into_domain(vector))",
        "loss.into_domain(vector)",
    ),
    "class-weights": (
        "convex.loss",
        "0.5 / np.mean(y > 0), 0.5 / np.mean(y < 0)",
        "0.5 / np.mean(y < 0), 0.5 / np.mean(y > 0)",
    ),
    # other programs
    "deep-normalised": ("convex.deep.value", "2 if batch_norm else depth", "depth"),
    "deep-penalty": ("convex.deep.scalar", "fit + 0.5 * lam * depth *", "fit + 0.5 * lam *"),
    "deep-strongest": (
        "convex.deep.scalar",
        "sigma * (depth - 2) / (depth - 1)",
        "sigma * (depth - 1) / depth",
    ),
    "spline-norm": (
        "convex.one_dimensional.solution",
        "0.5 * (bent + max(bent, abs",
        "0.5 * (bent + min(bent, abs",
    ),
    "soft-threshold": (
        "convex.vector.soft_threshold",
        "np.maximum(sizes - lam, 0.0)",
        "np.maximum(sizes - 2 * lam, 0.0)",
    ),
    "matching": (
        "convex.sparse.widths",
        "~used[:, outside].any(axis=1)",
        "~used[:, outside].all(axis=1)",
    ),
    # data and intervals
    "split": (
        "datasets.preparation",
        "test, train = shuffled[:count], shuffled[count:]",
        "train, test = shuffled[:count], shuffled[count:]",
    ),
    "wilson": ("publish.proportions", 'method="wilson"', 'method="exact"'),
    "unknown-bounds": (
        "publish.proportions",
        "wilson_interval(hits + unknown, n, confidence)",
        "wilson_interval(hits, n, confidence)",
    ),
}


def tests_of(module: str) -> list[str]:
    """Return the tests that have to notice a mutant of a module."""
    room = max((name for name in TESTS if module.startswith(name)), key=len)
    return TESTS[room]


def prepare() -> None:
    """Nothing is prepared: the tests make what they need."""
