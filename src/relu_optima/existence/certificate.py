"""A certificate: proofs of all three answers as plain JSON, and the call that re-checks them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from relu_optima.existence.proof.document import ANSWERS
from relu_optima.existence.proof.verify import problems_of, unsupported_of


@dataclass(frozen=True)
class Certificate:
    """Proofs of the three answers about one pattern.

    Attributes
    ----------
    document : dict
        Plain JSON: format, packed masks, and for each question the answer and its proof.
    """

    document: dict[str, Any] = field(repr=False)

    def problems(self) -> list[str]:
        """List what is wrong, from the document alone.

        Returns
        -------
        list of str
            Empty if every answer other than ``unknown`` is proved.
        """
        return problems_of(self.document) or self.unsupported()

    def claims(self) -> list[str]:
        """List the questions that are answered.

        Returns
        -------
        list of str
            Empty if all three answers are ``unknown``: then there is nothing to verify.
        """
        return [q for q in ANSWERS if self.document[q]["answer"] != "unknown"]

    def unsupported(self) -> list[str]:
        """List the answers that are only a general solver's word.

        Returns
        -------
        list of str
            Empty unless z3 was asked and answered (see `decide`).
        """
        return unsupported_of(self.document)

    def verify(self) -> bool:
        """Say whether every answer other than ``unknown`` is proved.

        Returns
        -------
        bool
            True if the independent checker finds no problem.
        """
        return not self.problems()

    def to_json(self) -> str:
        """Write the certificate.

        Returns
        -------
        str
            JSON text with sorted keys.
        """
        return json.dumps(self.document, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """Read a certificate.

        Parameters
        ----------
        text : str
            What `to_json` wrote.

        Returns
        -------
        Certificate
            The certificate, not yet checked.
        """
        return cls(json.loads(text))
