using Updraft.Server.Api;

namespace Updraft.Server.Deploys;

/// <summary>The names of <see cref="DeployType"/> in the contract.</summary>
internal static class DeployTypeNames
{
    private static readonly (DeployType Type, string Name)[] Names =
    [
        (DeployType.ImageAndDag, "IMAGE_AND_DAG"), (DeployType.ImageOnly, "IMAGE_ONLY"),
        (DeployType.DagOnly, "DAG_ONLY"), (DeployType.Bundle, "BUNDLE"),
    ];

    public static string Name(this DeployType type) => Array.Find(Names, row => row.Type == type).Name;

    /// <summary>Whether the deploy has a new image.</summary>
    public static bool HasImage(this DeployType type) => type is DeployType.ImageAndDag or DeployType.ImageOnly;

    /// <summary>Reads a type of <c>/v1alpha1</c>, which has two names of its own.</summary>
    /// <exception cref="ApiException">400: absent or unknown.</exception>
    public static DeployType ParseAlpha(string? name) => name switch
    {
        "IMAGE" => DeployType.ImageAndDag,
        "DAG" => DeployType.DagOnly,
        _ => Parse(name),
    };

    /// <summary>Reads a type of <c>/v1</c>.</summary>
    /// <exception cref="ApiException">400: absent or unknown.</exception>
    public static DeployType Parse(string? name)
    {
        var allowed = $"it must be one of {string.Join(", ", Names.Select(row => row.Name))}";
        if (string.IsNullOrEmpty(name))
            throw ApiException.BadRequest($"The field 'type' is required; {allowed}.");
        foreach (var row in Names)
        {
            if (row.Name == name)
                return row.Type;
        }
        throw ApiException.BadRequest($"The field 'type' is '{ApiException.Shorten(name)}'; {allowed}.");
    }
}
