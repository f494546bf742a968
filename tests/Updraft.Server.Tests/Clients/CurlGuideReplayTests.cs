using System.Diagnostics;
using Updraft.Protocol;
using Updraft.Server.Tests.Deploys;

namespace Updraft.Server.Tests.Clients;

/// <summary>The guide for deploys with curl, jq and tar: the same steps by the same programs, under both prefixes.</summary>
public sealed class CurlGuideReplayTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("v1", "DAG_ONLY")]
    [InlineData("platform/v1beta1", "DAG_ONLY")]
    [InlineData("v1", "IMAGE_AND_DAG")]
    [InlineData("platform/v1beta1", "IMAGE_AND_DAG")]
    public async Task Guide(string api, string type)
    {
        var server = shared.Server;
        var id = await server.CreateDeploymentAsync(EntityId.New(TimeProvider.System));
        var folder = Path.Join(server.DataDirectory, id);
        Directory.CreateDirectory(Path.Join(folder, "dags"));
        await File.WriteAllTextAsync(Path.Join(folder, "dags", "orders.py"), "from airflow.sdk import dag", Cancelled);
        var script = Path.Join(folder, "deploy.sh");
        await File.WriteAllTextAsync(script, """
            request() { curl -s --location --request POST "$1" --header "X-Astro-Client-Identifier: script" --header "Content-Type: application/json" \
                --header "Authorization: Bearer $ASTRO_API_TOKEN" --data "$2"; }
            created=$(request "$DEPLOYS" '{"type": "'$TYPE'"}' | jq .)
            deploy=$(echo $created | jq -r .id)
            [ "$TYPE" = DAG_ONLY ] || echo "image $(echo $created | jq -r .imageRepository):$(echo $created | jq -r .imageTag)"
            url=$(echo $created | jq -r .dagsUploadUrl)
            tar -cf dags.tar dags
            version=$(curl -s -i --request PUT $url --header 'x-ms-blob-type: BlockBlob' --header 'Content-Type: application/x-tar' \
                --upload-file dags.tar | grep x-ms-version-id | awk -F': ' '{print $2}')
            version=$(echo $version | sed 's/\r//g')
            done=$(request "$DEPLOYS/$deploy/finalize" '{"dagTarballVersion": "'$version'"}')
            echo "id $(echo $done | jq -r .id)"
            echo "version $version"
            echo "message $(request "$DEPLOYS" '{"type": "NONE"}' | jq -r .message)"
            """, Cancelled);

        var lines = await RunAsync(script, folder, new Dictionary<string, string?>
        {
            ["ASTRO_API_TOKEN"] = await server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", id),
            ["DEPLOYS"] = $"{server.BaseAddress}{api}/organizations/{server.OrganizationId}/deployments/{id}/deploys",
            ["TYPE"] = type,
        });

        if (type == "IMAGE_AND_DAG")
            Assert.Matches("^image localhost:5555/[a-z0-9/-]+:[A-Za-z0-9_.-]+$", lines[0]);
        Assert.True(EntityId.IsValid(lines[^3]["id ".Length..]), lines[^3]);
        Assert.Matches("^version [0-9T:.-]+Z$", lines[^2]);
        Assert.Contains("'type'", lines[^1]);
        var deployed = await DeployAgent.EnrollAsync(server, id);
        Assert.Equal(["dags"], (await deployed.StateAsync()).Mounts.Select(mount => mount.Path));
        ReplayTable.Show($"curl guide under /{api} ({type})", 3, $"Deployed DAG Tarball Version: {lines[^2]["version ".Length..]}");
    }

    private static async Task<string[]> RunAsync(string script, string folder, Dictionary<string, string?> variables)
    {
        var start = new ProcessStartInfo("bash", [script]) { WorkingDirectory = folder, RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        using var bash = Process.Start(start)!;
        var text = await bash.StandardOutput.ReadToEndAsync(Cancelled);
        await bash.WaitForExitAsync(Cancelled);
        return text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
