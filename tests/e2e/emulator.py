"""ministack, with the one right that only AWS itself has.

Run as a program by the stack. CloudTrail's events carry `source: aws.ec2`, which PutEvents refuses, in ministack as in AWS;
the stand-in plays AWS's part, so here it may.
"""

from __future__ import annotations

import functools
import sys

import ministack.services.eventbridge as eventbridge
from ministack.app import main

# `getattr`, so that a ministack without this internal starts all the same; then only the CloudTrail path is silent.
_put_events = getattr(eventbridge, "_put_events", None)
if _put_events is not None:
    setattr(eventbridge, "_put_events", functools.partial(_put_events, allow_aws_source=True))

if __name__ == "__main__":
    sys.argv = sys.argv[:1]
    main()
