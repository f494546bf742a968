using Updraft.Client;
using Updraft.Protocol.Api;

namespace Updraft.Server.Tests.Contract;

/// <summary>The example of docs/reference/client-library.md. A test runs the example, and requires that both texts are equal.</summary>
internal static class ClientExample
{
    public static async Task<string> RunAsync(Uri server, string token, string archivePath, CancellationToken cancellationToken)
    {
        // example
        using var updraft = new UpdraftClient(server, token);
        var organization = await updraft.ListOrganizationsAsync(cancellationToken).FirstAsync(cancellationToken);
        var deployment = await updraft.ListDeploymentsAsync(organization.Id, cancellationToken)
            .FirstAsync(deployment => deployment.Name == "orders", cancellationToken);
        var deploys = updraft.Deploys(organization.Id, deployment.Id);

        var deploy = await deploys.CreateAsync(new CreateDeployRequest { Type = "DAG_ONLY" }, cancellationToken);
        await using var archive = File.OpenRead(archivePath);
        var version = await deploys.UploadAsync(deploy.DagsUploadUrl!, archive, cancellationToken: cancellationToken);
        deploy = await deploys.FinalizeAsync(deploy.Id, new FinalizeDeployRequest { DagTarballVersion = version }, cancellationToken);
        // end of example
        return deploy.Id;
    }
}
