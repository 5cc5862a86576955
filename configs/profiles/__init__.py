"""The bundled profiles, one YAML file each."""
