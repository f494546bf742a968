using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Clients;

/// <summary>The pieces that the CLI's deploy commands are made of, each with every field that it reads.</summary>
internal static class CliDeploySteps
{
    /// <summary>Fields of a Deployment that every deploy command reads.</summary>
    public static async Task<CliObject> GetDeploymentAsync(this CliReplay cli, string deployment)
    {
        var found = (await cli.GetAsync(cli.DeploymentPath(deployment))).Body;
        Assert.Equal(deployment, found.Text("id"));
        Assert.Equal(cli.Organization, found.Text("organizationId"));
        // Another Workspace than the context's ends the command with exit code 0 and no deploy.
        Assert.Equal(cli.Workspace, found.Text("workspaceId"));
        // Becomes the path of a local image, NAMESPACE/airflow:latest.
        Assert.Matches("^[a-z0-9]+(-[a-z0-9]+)*$", found.Text("namespace"));
        found.Text("runtimeVersion");
        found.Text("name");
        Assert.DoesNotContain("://", found.Text("webServerUrl"));
        found.Flag("isDagDeployEnabled");
        found.Flag("isCicdEnforced");
        found.OptionalText("desiredDagTarballVersion");
        return found;
    }

    /// <summary>The Deployment is chosen from a list when no id is given; the last one made is taken here.</summary>
    public static async Task<string> ChooseDeploymentAsync(this CliReplay cli, string name)
    {
        var list = (await cli.GetAsync($"/v1/organizations/{cli.Organization}/deployments", ("limit", "1000"), ("offset", "0"),
            ("workspaceIds", cli.Workspace))).Body;
        var deployments = list.Objects("deployments");
        Assert.Equal(deployments.Count, list.Number("totalCount"));
        var chosen = deployments.Single(deployment => deployment.Text("name") == name);
        chosen.Text("type");
        chosen.Text("organizationId");
        chosen.Text("airflowVersion");
        chosen.Time("createdAt");
        // It is asked for twice after the choice.
        await cli.GetDeploymentAsync(chosen.Text("id"));
        await cli.GetDeploymentAsync(chosen.Text("id"));
        return chosen.Text("id");
    }

    /// <summary>Creates a deploy, under <c>v1</c> or for named DAG bundles <c>v1alpha1</c>.</summary>
    public static async Task<CliObject> CreateDeployAsync(this CliReplay cli, string deployment, JsonObject body, string api = "v1")
    {
        var deploy = (await cli.PostAsync($"{cli.DeploymentPath(deployment, api)}/deploys", body)).Body;
        deploy.Text("id");
        Assert.Equal(deployment, deploy.Text("deploymentId"));
        Assert.Equal("INITIALIZED", deploy.Text("status"));
        deploy.Flag("isDagDeployEnabled");
        deploy.Time("createdAt");
        // The target of docker tag and push.
        Assert.Matches("^[^/:]+(:[0-9]+)?/[a-z0-9/]+$", deploy.Text("imageRepository"));
        Assert.Matches("^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$", deploy.Text("imageTag"));
        return deploy;
    }

    /// <summary>Finalizes; the CLI prints the version and the tag that come back.</summary>
    public static async Task<CliObject> FinalizeAsync(this CliReplay cli, string deployment, string deploy, JsonObject body)
    {
        var done = (await cli.PostAsync($"{cli.DeploymentPath(deployment)}/deploys/{deploy}/finalize", body)).Body;
        Assert.Equal(deploy, done.Text("id"));
        Assert.Equal("DEPLOYED", done.Text("status"));
        done.Text("imageTag");
        return done;
    }

    /// <summary>
    /// Asks for the runtimes that an image may have. A server that has none is asked in vain; what one says is read as a whole, and one
    /// time that Go cannot read ends the command.
    /// </summary>
    public static async Task ReadOptionsAsync(this CliReplay cli)
    {
        var options = await cli.GetAsync($"/v1/organizations/{cli.Organization}/deployment-options");
        if (options.Status == HttpStatusCode.NotFound)
            return;
        foreach (var release in options.Body.Objects("runtimeReleases"))
        {
            release.Text("version");
            release.Time("releaseDate");
        }
    }

    /// <summary>What <c>--wait</c> asks after its sleep: the Deployment, until it is in one of two states.</summary>
    public static async Task<string> WaitAsync(this CliReplay cli, string deployment)
    {
        var found = (await cli.GetAsync(cli.DeploymentPath(deployment))).Body;
        found.Text("name");
        return found.Text("status");
    }

    /// <summary>The description and, if the project is a clean checkout, the commit.</summary>
    public static JsonObject DeployBody(string type, string description = "", JsonObject? git = null)
    {
        var body = new JsonObject { ["description"] = description };
        if (git is not null)
            body["git"] = git;
        body["type"] = type;
        return body;
    }
}
