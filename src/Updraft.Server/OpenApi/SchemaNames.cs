using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Updraft.Protocol.Api;

namespace Updraft.Server.OpenApi;

/// <summary>
/// Names of the schemas in the description. They are the contract's names, so that generated clients have the same type names: the
/// name of the record without <c>Response</c>, with a table of exceptions.
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

    /// <summary>The name of a type; null for a type that is described inline.</summary>
    public static string? Find(JsonTypeInfo type)
    {
        if (Others.TryGetValue(type.Type, out var name))
            return name;
        if (OpenApiOptions.CreateDefaultSchemaReferenceId(type) is not { } own)
            return null;
        return own.EndsWith(Suffix, StringComparison.Ordinal) ? own[..^Suffix.Length] : own;
    }
}
