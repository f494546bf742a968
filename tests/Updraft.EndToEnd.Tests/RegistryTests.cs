using System.Text.Json.Nodes;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

/// <summary>A real registry with Updraft's tokens, and a real client of it.</summary>
public sealed class RegistryTests
{
    [Fact]
    public async Task A_registry_lets_in_whom_Updraft_lets_in()
    {
        using var registry = new ImageRegistry();
        await using var installation = await Installation.StartAsync($"--Registry={registry.Host}");
        await registry.StartAsync(installation);
        var deploy = await installation.CreateDeployAsync(new JsonObject { ["type"] = "IMAGE_AND_DAG" });
        var (repository, tag) = (deploy.Text("imageRepository"), deploy.Text("imageTag"));
        Assert.StartsWith(registry.Host + "/", repository, StringComparison.Ordinal);
        var image = $"{repository}:{tag}";
        var sibling = await installation.CreateSiblingAsync();
        var elsewhere = $"{repository[..repository.LastIndexOf('/')]}/{sibling}:{tag}";
        var token = await installation.CreateDeploymentTokenAsync();
        var agent = await installation.CreateAgentTokenAsync("puller");

        Refused(await Skopeo.PushAsync(image, token: null));
        Refused(await Skopeo.PushAsync(image, "wrong"));
        Refused(await Skopeo.PushAsync(image, agent));
        Refused(await Skopeo.InspectAsync(image, token), "manifest unknown");
        Went(await Skopeo.PushAsync(image, token));

        Refused(await Skopeo.PushAsync(elsewhere, token));
        Refused(await Skopeo.InspectAsync(elsewhere, token));
        Went(await Skopeo.PushAsync(elsewhere, installation.OwnerToken));
        Refused(await Skopeo.InspectAsync(elsewhere, agent));

        // The astro CLI sends the token with its scheme first.
        Went(await Skopeo.PushAsync(image, "Bearer " + token));
        Assert.Contains(tag, Went(await Skopeo.InspectAsync(image, agent)), StringComparison.Ordinal);
        Refused(await Skopeo.PushAsync(image, agent));
        Refused(await Skopeo.InspectAsync(image, token: null));
    }

    private static string Went((bool Went, string Output) result)
    {
        Assert.True(result.Went, result.Output);
        return result.Output;
    }

    /// <summary>For want of a right, not because something is broken.</summary>
    private static void Refused((bool Went, string Output) result, params string[] reasons)
    {
        Assert.False(result.Went, result.Output);
        Assert.Contains(reasons.Length > 0 ? reasons : ["unauthorized", "authentication required", "denied"],
            reason => result.Output.Contains(reason, StringComparison.OrdinalIgnoreCase));
    }
}
