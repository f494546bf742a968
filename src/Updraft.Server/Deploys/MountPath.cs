using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Bundles;

namespace Updraft.Server.Deploys;

/// <summary>The mount path of a non-DAG bundle.</summary>
/// <param name="Absolute">The path as Airflow sees it, e.g. <c>/usr/local/airflow/dbt/shop</c>.</param>
/// <param name="Path">The part below Airflow's home, e.g. <c>dbt/shop</c>.</param>
/// <param name="Field">The field of the request, for messages.</param>
internal readonly record struct MountPath(string Absolute, string Path, string Field)
{
    /// <summary>The directory in which agents store their own files.</summary>
    private const string AgentDirectory = ".updraft";

    /// <summary>Reads a mount path from a request. Removes one slash at the end.</summary>
    /// <exception cref="ApiException">400: the path is not below Airflow's home, or Updraft uses it otherwise.</exception>
    public static MountPath Parse(string? text, string airflowHome, string field = "bundleMountPath")
    {
        if (string.IsNullOrEmpty(text))
        {
            throw ApiException.BadRequest(
                $"The field '{field}' is required for a non-DAG bundle (type BUNDLE): an absolute path below {airflowHome}.");
        }
        var absolute = text.EndsWith('/') ? text[..^1] : text;
        if (absolute == airflowHome)
            throw Invalid(field, text, "is Airflow's home itself; name a directory below it");
        if (!absolute.StartsWith(airflowHome + "/", StringComparison.Ordinal))
        {
            throw Invalid(field, text, $"is not below Airflow's home {airflowHome}, and agents write only there. "
                + $"Use a path such as {airflowHome}/dbt/shop, and name it in the DAGs");
        }
        var path = absolute[(airflowHome.Length + 1)..];
        if (BundlePath.Problem(path) is { } problem)
            throw Invalid(field, text, path.StartsWith('/') ? "has an empty component (//)" : problem);
        return path.Split('/')[0] switch
        {
            Bundle.MainPath when path == Bundle.MainPath =>
                throw Invalid(field, text, "belongs to the DAG bundle; deploy DAGs with the type DAG_ONLY"),
            Bundle.MainPath => throw Invalid(field, text, "is inside the DAG bundle, which agents replace as a whole. Use a path next to "
                + $"it, such as {airflowHome}/{path[(Bundle.MainPath.Length + 1)..]}, and name it in the DAGs"),
            Bundle.ParentDirectory => throw Invalid(field, text, "belongs to the named DAG bundles; create a DAG bundle instead"),
            AgentDirectory => throw Invalid(field, text, "is reserved for the agents"),
            _ => new(absolute, path, field),
        };
    }

    /// <summary>
    /// Checks that the path is neither inside another bundle nor contains one. An equal path is allowed: it gets a new version.
    /// </summary>
    /// <param name="others">Absolute mount paths of the other bundles.</param>
    /// <exception cref="ApiException">400: the path overlaps with another bundle.</exception>
    public void CheckAgainst(IEnumerable<string> others)
    {
        foreach (var other in others)
        {
            if (Absolute.StartsWith(other + "/", StringComparison.Ordinal))
                throw Invalid(Field, Absolute, $"is inside the bundle at {other}", DeployErrors.MountPathConflict);
            if (other.StartsWith(Absolute + "/", StringComparison.Ordinal))
                throw Invalid(Field, Absolute, $"contains the bundle at {other}", DeployErrors.MountPathConflict);
        }
    }

    private static ApiException Invalid(string field, string text, string reason, ErrorCode? code = null) =>
        new(code ?? RequestErrors.InvalidRequest, $"The {field} '{ApiException.Shorten(text)}' {reason}.");
}
