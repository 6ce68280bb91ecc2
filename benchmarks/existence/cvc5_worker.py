"""Decide one SMT-LIB statement with cvc5; runs in the peers' environment, prints JSON.

python cvc5_worker.py < statement.smt2
"""

import json
import sys
import time

import cvc5


def main() -> None:
    """Read the statement from standard input, print answer and CPU seconds."""
    solver = cvc5.Solver(cvc5.TermManager())
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, sys.stdin.read(), "statement")
    symbols = parser.getSymbolManager()
    start = time.process_time()
    answer = "unknown"
    while not (command := parser.nextCommand()).isNull():
        said = str(command.invoke(solver, symbols)).strip()
        if said.startswith("(error"):
            raise SystemExit(said)
        answer = said or answer
    seconds = time.process_time() - start
    found = {"sat": "not_closed", "unsat": "closed"}.get(answer, "unknown")
    print(json.dumps({"answer": found, "seconds": seconds}))


if __name__ == "__main__":
    main()
