"""From YAML files to validated configuration: schema, composition, identity."""
