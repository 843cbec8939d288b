# vault agent -config=agent.hcl writes the key of the secret kv/imkit to a file, and writes it again
# when there is a new version. The program needs no client of Vault and no token:
#
#   IMKIT_API_KEY_FILE=/run/keyfit/imkit app
#
# vault kv put -mount=kv imkit key=… not_after=2027-01-31T12:00:00Z
# If a program should read Vault itself, without an agent, use the module source/vault.
vault {
  address = "https://vault.example:8200"
}

auto_auth {
  method "approle" {
    config = {
      role_id_file_path                   = "/etc/vault/role-id"
      secret_id_file_path                 = "/etc/vault/secret-id"
      remove_secret_id_file_after_reading = false
    }
  }
}

template_config {
  static_secret_render_interval = "1m"
  exit_on_retry_failure         = false
}

template {
  destination          = "/run/keyfit/imkit"
  perms                = "0440"
  error_on_missing_key = true
  contents             = <<EOT
{{ with secret "kv/data/imkit" }}{
  "key": {{ .Data.data.key | toJSON }},
  {{ with index .Data.data "not_after" }}"not_after": {{ . | toJSON }},{{ end }}
  "version": {{ .Data.metadata.version | toJSON }}
}{{ end }}
EOT
}
