"""Deep networks by convex duality: closed forms, what they prove, and where they are beaten."""
