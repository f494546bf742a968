using System.Net;
using System.Text.Json;

namespace Updraft.Server.Tests.Deploys;

/// <summary>The version in a finalize request.</summary>
public enum Named
{
    Absent,
    Empty,
    Uploaded,
    Unknown,
    OfAnotherDeploy,
}

/// <summary>The effect of finalize on the DAGs, or on the bundle of a BUNDLE deploy.</summary>
public enum Effect
{
    Sets,
    Removes,
    Keeps,
    Rejected,
}

/// <summary>All types, with DAG deploys enabled and disabled, with every kind of version.</summary>
public sealed class FinalizeTableTests(SharedServer server) : IClassFixture<SharedServer>
{
    private const string Mount = "/usr/local/airflow/dbt/shop";

    public static TheoryData<DeployKind, bool, Named, Effect> Table()
    {
        (DeployKind Kind, bool DagDeploys, Effect[] Effects)[] rows =
        [
            //                              Absent          Empty           Uploaded        Unknown         OfAnotherDeploy
            (DeployKind.DagOnly, true, [Effect.Rejected, Effect.Rejected, Effect.Sets, Effect.Rejected, Effect.Rejected]),
            (DeployKind.ImageAndDag, true, [Effect.Rejected, Effect.Removes, Effect.Sets, Effect.Rejected, Effect.Rejected]),
            (DeployKind.ImageOnly, true, [Effect.Keeps, Effect.Keeps, Effect.Keeps, Effect.Keeps, Effect.Keeps]),
            (DeployKind.Bundle, true, [Effect.Rejected, Effect.Removes, Effect.Sets, Effect.Rejected, Effect.Rejected]),
            // With DAG deploys disabled, the other types cannot be created.
            (DeployKind.ImageAndDag, false, [Effect.Removes, Effect.Removes, Effect.Rejected, Effect.Rejected, Effect.Rejected]),
        ];
        var table = new TheoryData<DeployKind, bool, Named, Effect>();
        foreach (var (kind, dagDeploys, effects) in rows)
        {
            foreach (var named in Enum.GetValues<Named>())
                table.Add(kind, dagDeploys, named, effects[(int)named]);
        }
        return table;
    }

    [Theory]
    [MemberData(nameof(Table))]
    public async Task Finalize_effect_depends_on_type_and_version(DeployKind kind, bool dagDeploys, Named named, Effect effect)
    {
        // A Deployment with DAGs and a bundle, and another deploy that is uploaded and not finalized.
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var dagsBefore = (await deploys.DeployDagsAsync()).Text("dagTarballVersion");
        var before = await deploys.DeployBundleAsync(Mount);
        var bundleBefore = Assert.Single(before.GetProperty("bundles").EnumerateArray()).Text("desiredVersion");
        var other = await deploys.CreateAsync(kind == DeployKind.Bundle ? DeployKind.Bundle : DeployKind.DagOnly, Mount);
        var othersVersion = await UploadToAsync(deploys, other);
        await deploys.SetDagDeployAsync(dagDeploys);

        var deploy = await deploys.CreateAsync(kind, Mount);
        var uploaded = await UploadToAsync(deploys, deploy) ?? dagsBefore;
        var version = named switch
        {
            Named.Absent => null,
            Named.Empty => "",
            Named.Uploaded => uploaded,
            Named.Unknown => "2020-01-01T00:00:00.0000000Z",
            _ => othersVersion,
        };
        var field = kind == DeployKind.Bundle ? "bundleTarballVersion" : "dagTarballVersion";
        var response = await deploys.TryFinalizeAsync(deploy.Text("id"), version is null ? "{}" : $$"""{"{{field}}":"{{version}}"}""");

        Assert.Equal(effect == Effect.Rejected ? HttpStatusCode.BadRequest : HttpStatusCode.OK, response.Status);
        if (effect == Effect.Rejected)
        {
            Assert.Equal("INITIALIZED", (await deploys.GetAsync(deploy.Text("id"))).Text("status"));
            return;
        }
        var (dags, bundle) = (response.Body.TextOrNull("dagTarballVersion"), Desired(response.Body));
        var (moved, movedBefore, still, stillBefore) = kind == DeployKind.Bundle
            ? (bundle, bundleBefore, dags, dagsBefore)
            : (dags, dagsBefore, bundle, bundleBefore);
        Assert.Equal("DEPLOYED", response.Body.Text("status"));
        Assert.Equal(effect switch { Effect.Sets => uploaded, Effect.Removes => null, _ => movedBefore }, moved);
        Assert.Equal(stillBefore, still);
    }

    private static async Task<string?> UploadToAsync(DeploysApi deploys, JsonElement deploy) =>
        (deploy.TextOrNull("dagsUploadUrl") ?? deploy.TextOrNull("bundleUploadUrl")) is { } url
            ? await deploys.UploadAsync(url, ("dags/shop.py", deploy.Text("id")))
            : null;

    private static string? Desired(JsonElement deploy)
    {
        var bundles = deploy.GetProperty("bundles").EnumerateArray().ToList();
        return bundles.Count == 0 ? null : Assert.Single(bundles).Text("desiredVersion");
    }
}
