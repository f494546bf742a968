namespace Updraft.Server.Images;

/// <summary>What a registry's client asks for: actions on a repository.</summary>
/// <param name="Organization">First part of the repository's name.</param>
/// <param name="Deployment">Second part.</param>
/// <param name="Actions">As asked for; unknown ones are among them.</param>
internal sealed record RegistryScope(string Organization, string Deployment, IReadOnlyList<string> Actions)
{
    /// <summary>Splits the values of the parameter <c>scope</c>, which comes several times or with several scopes in one.</summary>
    public static IReadOnlyList<string> Split(IEnumerable<string?> values) =>
        [.. values.SelectMany(value => (value ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries))];

    /// <summary>Reads <c>repository:ORGANIZATION/DEPLOYMENT:ACTION,ACTION</c>; null for everything else, which nobody is given.</summary>
    public static RegistryScope? Parse(string text)
    {
        // Names may hold a host with a port, so the outer colons count; such a name is none of ours.
        var (first, last) = (text.IndexOf(':', StringComparison.Ordinal), text.LastIndexOf(':'));
        if (first < 0 || first == last || text[..first] != "repository")
            return null;
        return text[(first + 1)..last].Split('/') is [{ Length: > 0 } organization, { Length: > 0 } deployment]
            ? new RegistryScope(organization, deployment, text[(last + 1)..].Split(','))
            : null;
    }
}
