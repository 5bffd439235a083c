"""The login in front of the deployment, as a copy of its own."""
