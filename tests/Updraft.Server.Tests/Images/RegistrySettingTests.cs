using System.Net;
using Microsoft.Extensions.Options;
using Updraft.Server.Tests.Deploys;

namespace Updraft.Server.Tests.Images;

/// <summary>A server without a registry, with an invalid URL, and with a registry that does not respond.</summary>
public sealed class RegistrySettingTests
{
    private const string NoVersion = """{"dagTarballVersion":""}""";

    [Fact]
    public async Task Tags_without_a_registry_are_recorded_with_a_warning()
    {
        await using var server = await UpdraftServer.StartAsync();
        await Poll.UntilAsync(() => Task.FromResult(server.LogText.Contains("Images:RegistryUrl is not set", StringComparison.Ordinal)));
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.ImageAndDag);

        await deploys.FinalizeAsync(deploy.Text("id"), NoVersion);

        var image = (await deploys.StateAsync()).Image!;
        Assert.Equal((deploy.Text("imageTag"), null), (image.Tag, image.Digest));
    }

    [Theory]
    [InlineData("Images:RegistryUrl", "localhost:5555")]
    [InlineData("Images:RegistryUrl", "ftp://localhost:5555")]
    [InlineData("Images:RegistryUrl", "http://localhost:5555/v2/")]
    [InlineData("Images:RegistryUrl", "http://user:secret@localhost:5555")]
    [InlineData("Images:RegistryUrl", "http://localhost:5555?a=b")]
    [InlineData("Images:KeepFor", "-1.00:00:00")]
    [InlineData("Images:KeepFor", "40000.00:00:00")]
    public async Task Invalid_registry_setting_is_named_at_the_start(string name, string value)
    {
        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(
            () => UpdraftServer.StartAsync(settings: new Dictionary<string, string> { [name] = value }));

        Assert.Contains(name, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Finalize_is_503_while_the_registry_does_not_respond()
    {
        await using var site = await RegistrySite.StartAsync();
        var deploys = await site.NewDeploymentAsync();
        var (before, digest) = await site.DeployAsync(deploys);
        var deploy = await deploys.CreateAsync(DeployKind.ImageOnly);
        var pushed = await site.PushAsync(deploy, new TestImage());
        site.Registry.Stop();

        var refusal = (await deploys.TryFinalizeAsync(deploy.Text("id"), NoVersion)).Refusal(HttpStatusCode.ServiceUnavailable);

        Assert.Contains("does not respond", refusal, StringComparison.Ordinal);
        Assert.Equal("INITIALIZED", (await deploys.GetAsync(deploy.Text("id"))).Text("status"));
        Assert.Equal(digest, (await deploys.StateAsync()).Image!.Digest);
        // Operations without the registry still work: DAG deploys, rollbacks, and reading the steps.
        await deploys.DeployDagsAsync("two");
        await deploys.RollBackAsync(before.Text("id"));
        var steps = await site.Server.Client.GetOkAsync(
            $"/v1alpha1{site.Server.OrganizationPath["/v1".Length..]}/deployments/{deploys.DeploymentId}/deploys/{deploy.Text("id")}/steps/pushed/logs");
        Assert.Contains("does not respond", steps["entries"]![0]!["message"]!.GetValue<string>(), StringComparison.Ordinal);

        await site.Registry.StartAsync(site.Server);
        await deploys.FinalizeAsync(deploy.Text("id"), NoVersion);
        Assert.Equal(pushed, (await deploys.StateAsync()).Image!.Digest);
    }
}
