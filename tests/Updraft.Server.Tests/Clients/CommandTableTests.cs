using System.Reflection;
using Updraft.Server.Tests.Tenancy;
using Xunit.Sdk;
using Xunit.v3;

namespace Updraft.Server.Tests.Clients;

/// <summary>
/// All replays once more, in one test, whose output is the table of what works. A command in the list without a row fails it; run it with
/// <c>-showLiveOutput</c> to see the table.
/// </summary>
public sealed class CommandTableTests(SharedServer shared, ITestOutputHelper output) : IClassFixture<SharedServer>
{
    private static readonly string[] Commands =
    [
        "ASTRO_API_TOKEN (ORGANIZATION)", "ASTRO_API_TOKEN (WORKSPACE)", "ASTRO_API_TOKEN (DEPLOYMENT)",
        "astro login -t TOKEN", "astro login (after the browser)", "astro login (refresh)",
        "astro workspace list", "astro workspace switch ID", "astro workspace switch NAME",
        "astro deployment list", "astro deployment list --all",
        "astro deployment inspect --key metadata.deployment_id", "astro deployment inspect --key metadata.status",
        "astro deployment inspect --key configuration.name", "astro deployment inspect --key configuration.dag_deploy_enabled",
        "astro deployment inspect --key configuration.deployment_type", "astro deployment inspect --key configuration.is_development_mode",
        "astro deployment inspect --template",
        "astro deployment create", "astro deployment create --wait", "astro deployment create --deployment-file",
        "astro deployment update --dag-deploy enable", "astro deployment update --dag-deploy disable", "astro deployment delete",
        "astro deployment hibernate", "astro deployment hibernate --until", "astro deployment wake-up", "astro deployment wake-up --remove-override",
        "astro deploy", "astro deploy, no DAG files", "astro deploy, DAG deploys off", "astro deploy --image", "astro deploy --image-name shop:1",
        "astro deploy --image --image-name shop:1", "astro deploy --dags (200 bytes)", "astro deploy --dags --wait",
        "astro deploy --dags --dag-bundle-name finance", "astro dbt deploy", "astro dbt deploy --wait", "astro dbt delete",
        "astro deployment bundle create --name finance", "astro deployment bundle list", "astro deployment bundle update --mount-path",
        "astro deployment bundle delete finance --force",
        "deploy-action deploy (dags-only)", "deploy-action deploy (infer)", "deploy-action deploy (image-and-dags)", "deploy-action deploy (image-only)",
        "deploy-action deploy (dbt)", "deploy-action deploy (wake-on-deploy)", "deploy-action create-deployment-preview",
        "deploy-action deploy-deployment-preview", "deploy-action delete-deployment-preview",
        "curl guide under /v1 (DAG_ONLY)", "curl guide under /v1 (IMAGE_AND_DAG)", "curl guide under /platform/v1beta1 (DAG_ONLY)",
        "curl guide under /platform/v1beta1 (IMAGE_AND_DAG)",
        "terraform astro_api_token create", "terraform astro_api_token read", "terraform astro_api_token update", "terraform astro_api_token delete",
        "terraform data astro_api_tokens",
        "organization | read", "workspace | create", "workspaces | list", "deployment STANDARD KUBERNETES | create", "deployment DEDICATED | update",
        "deployment HYBRID | delete", "deployments | list",
    ];

    [Fact]
    public async Task Every_command_of_the_clients_works()
    {
        var replays = typeof(CommandTableTests).Assembly.GetTypes().Where(type => type.Name.EndsWith("ReplayTests", StringComparison.Ordinal)).ToList();
        Assert.Contains(typeof(TerraformReplayTests), replays);
        foreach (var replay in replays.OrderBy(type => type.Name, StringComparer.Ordinal))
        {
            foreach (var test in replay.GetMethods().Where(method => method.GetCustomAttribute<FactAttribute>() is not null))
                await RunAsync(replay, test);
        }

        var rows = output.Output.Split('\n').Select(Words).ToList();
        var silent = Commands.Where(command => !rows.Exists(row => row.StartsWith($"| {command} ", StringComparison.Ordinal))).ToList();
        Assert.True(silent.Count == 0, $"No replay has a row for: {string.Join("; ", silent)}");
    }

    private async Task RunAsync(Type replay, MethodInfo test)
    {
        object[] parts = [shared, output];
        var instance = Activator.CreateInstance(replay, parts[..replay.GetConstructors()[0].GetParameters().Length])!;
        await using var disposal = new DisposalTracker();
        var cases = new List<object?[]>();
        foreach (var data in test.GetCustomAttributes().OfType<IDataAttribute>())
        {
            // Otherwise the runner's part.
            if (data is MemberDataAttribute member)
                member.MemberType ??= replay;
            cases.AddRange((await data.GetData(test, disposal)).Select(row => row.GetData()));
        }
        if (test.GetParameters().Length == 0)
            cases.Add([]);
        Assert.True(cases.Count > 0, $"{replay.Name}.{test.Name} has no data");
        foreach (var arguments in cases)
        {
            Assert.True(arguments.Length == test.GetParameters().Length, $"{replay.Name}.{test.Name} gets {arguments.Length} arguments of {cases.Count} cases");
            await (Task)test.Invoke(instance, arguments)!;
        }
    }

    // The rows are padded.
    private static string Words(string row) => string.Join(' ', row.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)) + " ";
}
