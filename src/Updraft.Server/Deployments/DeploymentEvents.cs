using System.Text.Json;
using Updraft.Protocol;
using Updraft.Server.Events;

namespace Updraft.Server.Deployments;

internal static class DeploymentEvents
{
    /// <summary>The scope of an event of the Deployment.</summary>
    public static EventScope Scope(this Deployment deployment, DeployId? deploy = null) =>
        new(deployment.OrganizationId, deployment.WorkspaceId, deployment.Id, deploy);

    /// <summary>The settings before and after, field by field as JSON, for <see cref="Changed"/>.</summary>
    public static IEnumerable<(string Name, object? Before, object? After)> Differences(DeploymentSettings before, DeploymentSettings after)
    {
        var fields = JsonSerializer.SerializeToElement(after, JsonSerializerOptions.Web);
        return JsonSerializer.SerializeToElement(before, JsonSerializerOptions.Web).EnumerateObject()
            .Select(field => (field.Name, (object?)field.Value.GetRawText(), (object?)fields.GetProperty(field.Name).GetRawText()));
    }

    /// <summary>The target of an event of the Deployment.</summary>
    public static EventTarget Target(this Deployment deployment) => new("deployment", deployment.Id.Value, deployment.Name);
}
