using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Clients;

/// <summary>Steps of the CLI's deploy commands; each step reads every field that the CLI reads.</summary>
internal static class CliDeploySteps
{
    /// <summary>Fields of a Deployment that every deploy command reads.</summary>
    public static async Task<CliObject> GetDeploymentAsync(this CliReplay cli, string deployment)
    {
        var found = (await cli.GetAsync(cli.DeploymentPath(deployment))).Body;
        Assert.Equal(deployment, found.Text("id"));
        Assert.Equal(cli.Organization, found.Text("organizationId"));
        // If the Workspace differs from the context's, the command ends with exit code 0 and without a deploy.
        Assert.Equal(cli.Workspace, found.Text("workspaceId"));
        // The CLI derives the name of a local image from it: NAMESPACE/airflow:latest.
        Assert.Matches("^[a-z0-9]+(-[a-z0-9]+)*$", found.Text("namespace"));
        found.Text("runtimeVersion");
        found.Text("name");
        Assert.DoesNotContain("://", found.Text("webServerUrl"));
        found.Flag("isDagDeployEnabled");
        found.Flag("isCicdEnforced");
        found.OptionalText("desiredDagTarballVersion");
        return found;
    }

    /// <summary>Without an id, the user selects a Deployment from a list. This step selects the newest one.</summary>
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
        // The CLI requests the Deployment twice after the selection.
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
        // The CLI passes it to docker tag and docker push.
        Assert.Matches("^[^/:]+(:[0-9]+)?/[a-z0-9/]+$", deploy.Text("imageRepository"));
        Assert.Matches("^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$", deploy.Text("imageTag"));
        return deploy;
    }

    /// <summary>Finalizes; the CLI prints the version and the tag of the response.</summary>
    public static async Task<CliObject> FinalizeAsync(this CliReplay cli, string deployment, string deploy, JsonObject body)
    {
        var done = (await cli.PostAsync($"{cli.DeploymentPath(deployment)}/deploys/{deploy}/finalize", body)).Body;
        Assert.Equal(deploy, done.Text("id"));
        Assert.Equal("DEPLOYED", done.Text("status"));
        done.Text("imageTag");
        return done;
    }

    /// <summary>
    /// Requests the runtimes for an image. The CLI ignores a server without this route. It parses a response completely, so that one time
    /// that Go cannot parse ends the command.
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

    /// <summary>The request of <c>--wait</c> after its sleep: the Deployment, until it is in one of two states.</summary>
    public static async Task<string> WaitAsync(this CliReplay cli, string deployment)
    {
        var found = (await cli.GetAsync(cli.DeploymentPath(deployment))).Body;
        found.Text("name");
        return found.Text("status");
    }

    /// <summary>The body with a description and, if the project is a clean checkout, the commit.</summary>
    public static JsonObject DeployBody(string type, string description = "", JsonObject? git = null)
    {
        var body = new JsonObject { ["description"] = description };
        if (git is not null)
            body["git"] = git;
        body["type"] = type;
        return body;
    }
}
