"""Results that strangers verify: certificates to read, packs of records, bundles of studies."""
