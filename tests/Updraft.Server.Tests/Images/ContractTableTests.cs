using System.Text.Json.Nodes;
using Updraft.Server.Tests.Deploys;

namespace Updraft.Server.Tests.Images;

/// <summary>The version field of a finalize.</summary>
public enum VersionField
{
    Absent,
    Empty,
    Valid,
    Unknown,
}

/// <summary>The effect of a finalize on the image, the DAGs, or a bundle.</summary>
public enum Becomes
{
    Kept,
    New,
    Gone,
}

/// <summary>
/// The contract's table as one test: four types, DAG deploys on and off, and the version absent, empty, valid or unknown. It uses HTTP
/// and a real registry, and checks the desired state that agents get.
/// </summary>
[Trait("Database", "any")]
public sealed class ContractTableTests(SharedRegistrySite shared) : IClassFixture<SharedRegistrySite>
{
    private const string Refused = "refused", NoType = "no such type", Mount = "/usr/local/airflow/dbt/shop";

    private RegistrySite Site => shared.Site;

    public static TheoryData<DeployKind, bool, VersionField, string> Table()
    {
        // Image, DAGs, bundle.
        static string To(Becomes image, Becomes dags, Becomes bundle) => $"{image} {dags} {bundle}";
        (DeployKind Kind, bool DagDeploys, string[] Outcomes)[] rows =
        [
            (DeployKind.ImageAndDag, true,
                [Refused, To(Becomes.New, Becomes.Gone, Becomes.Kept), To(Becomes.New, Becomes.New, Becomes.Kept), Refused]),
            (DeployKind.ImageOnly, true, [.. Enumerable.Repeat(To(Becomes.New, Becomes.Kept, Becomes.Kept), 4)]),
            (DeployKind.DagOnly, true, [Refused, Refused, To(Becomes.Kept, Becomes.New, Becomes.Kept), Refused]),
            (DeployKind.Bundle, true,
                [Refused, To(Becomes.Kept, Becomes.Kept, Becomes.Gone), To(Becomes.Kept, Becomes.Kept, Becomes.New), Refused]),
            // The image contains the DAGs, so nothing is uploaded, and no version is valid.
            (DeployKind.ImageAndDag, false,
                [To(Becomes.New, Becomes.Gone, Becomes.Kept), To(Becomes.New, Becomes.Gone, Becomes.Kept), Refused, Refused]),
            (DeployKind.ImageOnly, false, [NoType, NoType, NoType, NoType]),
            (DeployKind.DagOnly, false, [NoType, NoType, NoType, NoType]),
            (DeployKind.Bundle, false, [NoType, NoType, NoType, NoType]),
        ];
        var table = new TheoryData<DeployKind, bool, VersionField, string>();
        foreach (var (kind, dagDeploys, outcomes) in rows)
        {
            foreach (var field in Enum.GetValues<VersionField>())
                table.Add(kind, dagDeploys, field, outcomes[(int)field]);
        }
        Assert.Equal(32, table.Count);
        return table;
    }

    [Theory]
    [MemberData(nameof(Table))]
    public async Task Finalize_matches_the_contract_for_type_setting_and_version(DeployKind kind, bool dagDeploys, VersionField field,
        string outcome)
    {
        var deploys = await Site.NewDeploymentAsync();
        var (first, digest) = await Site.DeployAsync(deploys, "9.1.0", "2.7.2");
        await deploys.DeployBundleAsync(Mount);
        await deploys.SetDagDeployAsync(dagDeploys);
        var before = await LookAsync(deploys);
        Assert.Equal((digest, first.Text("imageTag"), "9.1.0"), (before.Image, before.Tag, before.Runtime));

        if (outcome == NoType)
        {
            (await deploys.TryCreateAsync(kind == DeployKind.Bundle
                ? $$"""{"type":"BUNDLE","bundleType":"dbt","bundleMountPath":"{{Mount}}"}"""
                : $$"""{"type":"{{kind.Name()}}"}""")).Refusal();
            Assert.Equal(before, await LookAsync(deploys));
            return;
        }

        var deploy = await deploys.CreateAsync(kind, Mount);
        var hasImage = kind is DeployKind.ImageAndDag or DeployKind.ImageOnly;
        var pushed = hasImage ? await Site.PushAsync(deploy, new TestImage("10.0.0", "2.8.0")) : null;
        // Without an upload URL, a client can only name the version of an earlier deploy.
        var uploaded = (deploy.TextOrNull("dagsUploadUrl") ?? deploy.TextOrNull("bundleUploadUrl")) is { } url
            ? await deploys.UploadAsync(url, ("dags/shop.py", deploy.Text("id")))
            : before.Dags;
        var response = await deploys.TryFinalizeAsync(deploy.Text("id"), Body(kind, field, uploaded));

        if (outcome == Refused)
        {
            response.Refusal();
            Assert.Equal("INITIALIZED", (await deploys.GetAsync(deploy.Text("id"))).Text("status"));
            Assert.Equal(before, await LookAsync(deploys));
            return;
        }
        var after = await LookAsync(deploys);
        Assert.Equal(outcome, $"{Fate(before.Image, after.Image, pushed)} {Fate(before.Dags, after.Dags, uploaded)} "
            + $"{Fate(before.Bundle, after.Bundle, uploaded)}");
        Assert.Equal(before.Revision + 1, after.Revision);
        Assert.Equal(hasImage ? "10.0.0" : "9.1.0", after.Runtime);
        Assert.Equal(hasImage ? deploy.Text("imageTag") : before.Tag, after.Tag);
        var done = response.Ok();
        Assert.Equal(("DEPLOYED", after.Runtime, hasImage ? "2.8.0" : "2.7.2"),
            (done.Text("status"), done.Text("astroRuntimeVersion"), done.Text("airflowVersion")));
        // The Deployment shows the same values that the agents get.
        var deployment = await deploys.GetDeploymentAsync();
        Assert.Equal((after.Dags, after.Tag, after.Runtime),
            (deployment["desiredDagTarballVersion"]?.GetValue<string>(), deployment.Text("imageTag"),
                deployment.Text("astroRuntimeVersion")));
    }

    private static string Body(DeployKind kind, VersionField field, string? uploaded)
    {
        var name = kind == DeployKind.Bundle ? "bundleTarballVersion" : "dagTarballVersion";
        return (field switch
        {
            VersionField.Absent => new JsonObject(),
            VersionField.Empty => new JsonObject { [name] = "" },
            VersionField.Valid => new JsonObject { [name] = uploaded },
            _ => new JsonObject { [name] = "2020-01-01T00:00:00.0000000Z" },
        }).ToJsonString();
    }

    private static Becomes Fate(string? before, string? after, string? brought)
    {
        if (after is null)
            return Becomes.Gone;
        if (after == before)
            return Becomes.Kept;
        Assert.Equal(brought, after);
        return Becomes.New;
    }

    private static async Task<Snapshot> LookAsync(DeploysApi deploys)
    {
        var state = await deploys.StateAsync();
        string? At(string path) => state.Mounts.FirstOrDefault(mount => mount.Path == path)?.Version;
        return new(state.Revision, state.Image?.Digest, state.Image?.Tag, At("dags"), At("dbt/shop"),
            (await deploys.GetDeploymentAsync()).Text("astroRuntimeVersion"));
    }

    private sealed record Snapshot(long Revision, string? Image, string? Tag, string? Dags, string? Bundle, string Runtime);
}
