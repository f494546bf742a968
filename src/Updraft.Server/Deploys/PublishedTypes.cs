using Microsoft.Extensions.Options;
using Updraft.Protocol.Api;
using Updraft.Server.Api;

namespace Updraft.Server.Deploys;

/// <summary>
/// The setting <c>PublishedDeployTypes</c>: clients that were generated from the published description reject the type <c>BUNDLE</c>
/// in responses, because that description has it only in requests.
/// </summary>
internal sealed class PublishedTypes(IOptions<ServerOptions> options)
{
    /// <summary>The deploy with a type that the setting permits.</summary>
    public DeployResponse Apply(DeployResponse deploy) =>
        options.Value.PublishedDeployTypes && deploy.Type == DeployType.Bundle.Name()
            ? deploy with { Type = DeployType.DagOnly.Name() } : deploy;

    /// <summary>The page with types that the setting permits.</summary>
    public DeploysPaginated Apply(DeploysPaginated page) =>
        options.Value.PublishedDeployTypes ? page with { Deploys = [.. page.Deploys.Select(Apply)] } : page;
}
