using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Updraft.Protocol.Api;

namespace Updraft.Server.OpenApi;

/// <summary>
/// Names of the records in the description. The contract's own, so that generated clients have the type names that people know:
/// the record's name without <c>Response</c>, and a table for the rest.
/// </summary>
internal static class SchemaNames
{
    private const string Suffix = "Response";

    private static readonly Dictionary<Type, string> Others = new()
    {
        [typeof(SubjectProfileResponse)] = "BasicSubjectProfile",
        [typeof(DeployBundleResponse)] = "Bundle",
        [typeof(BundleResponse)] = "DeploymentBundle",
        [typeof(DeployGitBlock)] = "DeployGit",
        [typeof(DeploymentWorkerQueue)] = "WorkerQueue",
        [typeof(ClusterTagResponse)] = "ClusterK8sTag",
        [typeof(OverrideDeploymentHibernationRequest)] = "OverrideDeploymentHibernationBody",
    };

    /// <summary>The name of a type; null for one that is described where it is used.</summary>
    public static string? Find(JsonTypeInfo type)
    {
        if (Others.TryGetValue(type.Type, out var name))
            return name;
        if (OpenApiOptions.CreateDefaultSchemaReferenceId(type) is not { } own)
            return null;
        return own.EndsWith(Suffix, StringComparison.Ordinal) ? own[..^Suffix.Length] : own;
    }
}
