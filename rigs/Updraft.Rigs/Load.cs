using System.Text;
using System.Text.Json.Nodes;

namespace Updraft.Rigs;

/// <summary>One client of one Deployment: random deploys, rollbacks and repetitions, until the server no longer responds.</summary>
internal sealed class Load(Api api, Ledger ledger, Random random, Moment moment)
{
    private static readonly string[] Mounts = ["dags", "dags", "dbt/one", "dbt/two"];

    /// <summary>Result of the last step if it failed; null if it succeeded.</summary>
    public ApiResponse? Failure { get; private set; }

    public async Task RunAsync(CancellationToken end)
    {
        Failure = null;
        while (!end.IsCancellationRequested && await StepAsync())
        {
        }
    }

    /// <returns>False if the server did not respond, or responded that it is stopping.</returns>
    public Task<bool> StepAsync()
    {
        var done = ledger.Rows.Where(row => row.Snapshot is not null).ToList();
        return random.Next(100) switch
        {
            < 15 when done.Count > 0 => RollBackAsync(done[random.Next(done.Count)]),
            < 25 when done.Find(row => row.RollbackFrom is null) is { } row => RepeatAsync(row),
            < 32 when ledger.Rows.Find(row => row is { Snapshot: null, UploadUrl: not null }) is { } left => UploadAndFinishAsync(left),
            _ => DeployAsync(),
        };
    }

    public async Task<bool> DeployAsync()
    {
        var mount = Mounts[random.Next(Mounts.Length)];
        if (await CreateAsync(mount) is not { } row)
            return false;
        return random.Next(12) == 0 || await UploadAndFinishAsync(row);
    }

    public async Task<LedgerRow?> CreateAsync(string mount)
    {
        ledger.Pending = new Pending.Create(mount);
        moment.Reached("create");
        var response = await api.PostAsync($"{ledger.Path}/deploys", mount == "dags"
            ? new JsonObject { ["type"] = "DAG_ONLY" }
            : new JsonObject { ["type"] = "BUNDLE", ["bundleType"] = "dbt", ["bundleMountPath"] = "/usr/local/airflow/" + mount });
        if (!IsDone(response, $"create {mount}"))
            return null;
        var row = RowOf(response.Body!, mount);
        ledger.Rows.Add(row);
        return row;
    }

    public static LedgerRow RowOf(JsonNode deploy, string mount) => new()
    {
        Id = deploy["id"]!.GetValue<string>(),
        Mount = mount,
        UploadUrl = (deploy["dagsUploadUrl"] ?? deploy["bundleUploadUrl"])?.GetValue<string>(),
    };

    public async Task<bool> UploadAndFinishAsync(LedgerRow row)
    {
        if (row.IsBundle && random.Next(6) == 0)
            return await FinishAsync(row, "");
        for (var uploads = random.Next(5) == 0 ? 2 : 1; uploads > 0; uploads--)
        {
            if (!await UploadAsync(row))
                return false;
        }
        return await FinishAsync(row, row.Uploads[random.Next(row.Uploads.Count)].Version);
    }

    public async Task<bool> UploadAsync(LedgerRow row)
    {
        var tree = FileTree.Create(random, ledger.NextStamp());
        var folder = row.IsBundle || random.Next(2) == 0 ? null : "dags";
        ledger.Trees[tree.Stamp] = tree;
        var archive = tree.ToTar(folder);
        var response = random.Next(3) == 0 ? await PutBlocksAsync(row, archive) : await PutBlobAsync(row, archive);
        if (!IsDone(response, $"upload {tree.Stamp} to {row.Id}"))
            return false;
        ledger.Upload(row, new Uploaded(response.Version!, tree, folder));
        ledger.Note($"  it is version {response.Version}");
        return true;
    }

    public async Task<bool> FinishAsync(LedgerRow row, string version)
    {
        ledger.Pending = new Pending.Finish(row, version);
        ledger.Possible[Ledger.Key(ledger.After(row, version))] = true;
        moment.Reached("finalize");
        if (!IsDone(await SendFinishAsync(api, ledger, row, version), $"finalize {row.Id} with '{version}'"))
            return false;
        ledger.Finish(row, version);
        return true;
    }

    public static Task<ApiResponse> SendFinishAsync(Api api, Ledger ledger, LedgerRow row, string version) => api.PostAsync(
        $"{ledger.Path}/deploys/{row.Id}/finalize",
        new JsonObject { [row.IsBundle ? "bundleTarballVersion" : "dagTarballVersion"] = version });

    public async Task<bool> RollBackAsync(LedgerRow target)
    {
        ledger.Pending = new Pending.RollBack(target);
        ledger.Possible[Ledger.Key(target.Snapshot!)] = true;
        moment.Reached("rollback");
        var response = await api.PostAsync($"{ledger.Path}/deploys/{target.Id}/rollback", []);
        if (!IsDone(response, $"roll back to {target.Id}"))
            return false;
        ledger.RollBack(RolledBack(response.Body!, target), target);
        return true;
    }

    public static LedgerRow RolledBack(JsonNode deploy, LedgerRow target) =>
        new() { Id = deploy["id"]!.GetValue<string>(), Mount = target.Mount, RollbackFrom = target.Id };

    private async Task<bool> RepeatAsync(LedgerRow row)
    {
        moment.Reached("repeat");
        return IsDone(await SendFinishAsync(api, ledger, row, row.Finalized!), $"repeat the finalize of {row.Id}");
    }

    private Task<ApiResponse> PutBlobAsync(LedgerRow row, byte[] archive)
    {
        var content = new HalvedContent(archive, random.Next(archive.Length), () => moment.Reached("upload-half"));
        var response = api.PutAsync(row.UploadUrl!, content);
        moment.Reached("upload-sent");
        return response;
    }

    private async Task<ApiResponse> PutBlocksAsync(LedgerRow row, byte[] archive)
    {
        var ids = new List<string>();
        var size = archive.Length / random.Next(2, 6) + 1;
        for (var start = 0; start < archive.Length; start += size)
        {
            var id = Convert.ToBase64String(Encoding.UTF8.GetBytes($"block-{ids.Count:0000}-{random.Next(1000):000}"));
            moment.Reached("block");
            var staged = await api.PutAsync($"{row.UploadUrl}&comp=block&blockid={Uri.EscapeDataString(id)}",
                new ByteArrayContent(archive, start, Math.Min(size, archive.Length - start)));
            if (staged.Outcome != Outcome.Acknowledged)
                return staged;
            ids.Add(id);
        }
        moment.Reached("blocklist");
        return await api.PutAsync($"{row.UploadUrl}&comp=blocklist",
            new StringContent($"<BlockList>{string.Concat(ids.Select(id => $"<Latest>{id}</Latest>"))}</BlockList>"));
    }

    private bool IsDone(ApiResponse response, string step)
    {
        ledger.Note($"{step}: {response.Outcome} {response.Status}");
        if (response is { Outcome: Outcome.Rejected, Status: not 503 })
            throw new ViolationException("I9", $"{step}: {response.Status} {response.Text}");
        if (response.Outcome != Outcome.Unknown)
            ledger.Pending = null;
        if (response.Outcome != Outcome.Acknowledged)
            Failure = response;
        return response.Outcome == Outcome.Acknowledged;
    }
}
