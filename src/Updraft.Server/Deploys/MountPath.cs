using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Deploys;

/// <summary>Where a non-DAG bundle stands.</summary>
/// <param name="Absolute">The path as Airflow sees it, e.g. <c>/usr/local/airflow/dbt/shop</c>.</param>
/// <param name="Path">The part below Airflow's home, e.g. <c>dbt/shop</c>.</param>
internal readonly record struct MountPath(string Absolute, string Path)
{
    /// <summary>The folder in which agents keep their own files.</summary>
    private const string AgentFolder = ".updraft";

    /// <summary>Reads what a client sent. One slash at the end is tolerated and not kept.</summary>
    /// <exception cref="ApiException">400: not a path below Airflow's home that may be replaced.</exception>
    public static MountPath Parse(string? text, string airflowHome)
    {
        if (string.IsNullOrEmpty(text))
            throw ApiException.BadRequest("The field 'bundleMountPath' is required for the type BUNDLE.");
        var absolute = text.EndsWith('/') ? text[..^1] : text;
        if (absolute == airflowHome)
            throw Refused(text, "is Airflow's home itself; name a folder below it");
        if (!absolute.StartsWith(airflowHome + "/", StringComparison.Ordinal))
            throw Refused(text, $"is not below Airflow's home {airflowHome}");
        var path = absolute[(airflowHome.Length + 1)..];
        if (BundlePath.Problem(path) is { } problem)
            throw Refused(text, path.StartsWith('/') ? "has an empty component (//)" : problem);
        return path.Split('/')[0] switch
        {
            RevisionMount.DagPath => throw Refused(text, "belongs to the DAG bundle; deploy DAGs with the type DAG_ONLY"),
            AgentFolder => throw Refused(text, "belongs to the agents"),
            _ => new(absolute, path),
        };
    }

    /// <summary>Checks that it neither stands in another mount nor contains one. The same path is a new version and fine.</summary>
    /// <exception cref="ApiException">400: it does.</exception>
    public void CheckAgainst(IEnumerable<RevisionMount> mounts)
    {
        foreach (var mount in mounts)
        {
            if (Path.StartsWith(mount.Path + "/", StringComparison.Ordinal))
                throw Refused(Absolute, $"is inside the bundle at {mount.MountPath}");
            if (mount.Path.StartsWith(Path + "/", StringComparison.Ordinal))
                throw Refused(Absolute, $"contains the bundle at {mount.MountPath}");
        }
    }

    private static ApiException Refused(string text, string why) =>
        ApiException.BadRequest($"The bundleMountPath '{ApiException.Shorten(text)}' {why}.");
}
