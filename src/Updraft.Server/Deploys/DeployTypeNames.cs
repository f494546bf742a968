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

    /// <summary>The type's name.</summary>
    public static string Name(this DeployType type) => Array.Find(Names, row => row.Type == type).Name;

    /// <summary>Whether a new image comes with it.</summary>
    public static bool HasImage(this DeployType type) => type is DeployType.ImageAndDag or DeployType.ImageOnly;

    /// <summary>Finds the type that a client of <c>/v1alpha1</c> named: it has two names of its own.</summary>
    /// <exception cref="ApiException">400: none, or an unknown one.</exception>
    public static DeployType ParseAlpha(string? name) => name switch
    {
        "IMAGE" => DeployType.ImageAndDag,
        "DAG" => DeployType.DagOnly,
        _ => Parse(name),
    };

    /// <summary>Finds the type that a client named.</summary>
    /// <exception cref="ApiException">400: none, or an unknown one.</exception>
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
