using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Bundles;

namespace Updraft.Server.Deploys;

/// <summary>Where a non-DAG bundle stands.</summary>
/// <param name="Absolute">The path as Airflow sees it, e.g. <c>/usr/local/airflow/dbt/shop</c>.</param>
/// <param name="Path">The part below Airflow's home, e.g. <c>dbt/shop</c>.</param>
/// <param name="Field">The field that named it, for messages.</param>
internal readonly record struct MountPath(string Absolute, string Path, string Field)
{
    /// <summary>The folder in which agents keep their own files.</summary>
    private const string AgentFolder = ".updraft";

    /// <summary>Reads what a client sent. One slash at the end is tolerated and not kept.</summary>
    /// <param name="text">What the client sent.</param>
    /// <param name="airflowHome">Airflow's home.</param>
    /// <param name="field">The field in which it was sent.</param>
    /// <exception cref="ApiException">400: not a path below Airflow's home that may be replaced.</exception>
    public static MountPath Parse(string? text, string airflowHome, string field = "bundleMountPath")
    {
        if (string.IsNullOrEmpty(text))
            throw ApiException.BadRequest($"The field '{field}' is required for a non-DAG bundle (type BUNDLE): an absolute path below {airflowHome}.");
        var absolute = text.EndsWith('/') ? text[..^1] : text;
        if (absolute == airflowHome)
            throw Refused(field, text, "is Airflow's home itself; name a folder below it");
        if (!absolute.StartsWith(airflowHome + "/", StringComparison.Ordinal))
            throw Refused(field, text, $"is not below Airflow's home {airflowHome}");
        var path = absolute[(airflowHome.Length + 1)..];
        if (BundlePath.Problem(path) is { } problem)
            throw Refused(field, text, path.StartsWith('/') ? "has an empty component (//)" : problem);
        return path.Split('/')[0] switch
        {
            Bundle.MainPath => throw Refused(field, text, "belongs to the DAG bundle; deploy DAGs with the type DAG_ONLY"),
            Bundle.ParentDirectory => throw Refused(field, text, "belongs to the named DAG bundles; create a DAG bundle instead"),
            AgentFolder => throw Refused(field, text, "belongs to the agents"),
            _ => new(absolute, path, field),
        };
    }

    /// <summary>Checks that it neither stands in another bundle nor contains one. The same path is a new version and fine.</summary>
    /// <param name="places">Absolute paths of the other bundles.</param>
    /// <exception cref="ApiException">400: it does.</exception>
    public void CheckAgainst(IEnumerable<string> places)
    {
        foreach (var place in places)
        {
            if (Absolute.StartsWith(place + "/", StringComparison.Ordinal))
                throw Refused(Field, Absolute, $"is inside the bundle at {place}");
            if (place.StartsWith(Absolute + "/", StringComparison.Ordinal))
                throw Refused(Field, Absolute, $"contains the bundle at {place}");
        }
    }

    private static ApiException Refused(string field, string text, string why) =>
        ApiException.BadRequest($"The {field} '{ApiException.Shorten(text)}' {why}.");
}
