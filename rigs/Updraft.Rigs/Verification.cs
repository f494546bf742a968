using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Updraft.Protocol;

namespace Updraft.Rigs;

/// <summary>Compares what a server has with what its clients were told: I1 to I4.</summary>
internal sealed class Verification(Site site)
{
    private readonly ConcurrentDictionary<string, EnrollResponse> _enrolled = new();

    public Task CheckAsync() => Task.WhenAll(site.Ledgers.Select(CheckAsync));

    private async Task CheckAsync(Ledger ledger)
    {
        await SettleAsync(ledger);
        await CheckHistoryAsync(ledger);
        await CheckStateAsync(ledger);
    }

    /// <summary>Finds out what became of the operation that was open, and repeats it where that is safe.</summary>
    public async Task SettleAsync(Ledger ledger)
    {
        var pending = ledger.Pending;
        ledger.Pending = null;
        switch (pending)
        {
            case Pending.Create create when await NewestBeyondAsync(ledger) is { } created:
                ledger.Note("  settled: it was created");
                ledger.Rows.Add(Load.RowOf(created, create.Mount));
                break;
            case Pending.RollBack rollBack when await NewestBeyondAsync(ledger) is { } rolledBack:
                ledger.Note("  settled: it was rolled back");
                ledger.RollBack(Load.RolledBack(rolledBack, rollBack.Target), rollBack.Target);
                break;
            case Pending.Finish(var row, var version):
                ledger.Note("  settled: the finalize is repeated");
                Api.Must(await Load.SendFinishAsync(site.Api, ledger, row, version), $"repeat the finalize of {row.Id} with '{version}'");
                ledger.Finish(row, version);
                break;
        }
    }

    /// <summary>A row that the ledger does not have; it can be the open operation's only.</summary>
    private async Task<JsonNode?> NewestBeyondAsync(Ledger ledger)
    {
        var newest = await HistoryAsync(ledger);
        return newest.Count == ledger.Rows.Count + 1 ? newest[^1] : null;
    }

    /// <summary>Oldest first.</summary>
    private async Task<List<JsonNode>> HistoryAsync(Ledger ledger)
    {
        var page = Api.Must(await site.Api.GetAsync($"{ledger.Path}/deploys?limit=1000"), "history")["deploys"]!.AsArray();
        return [.. page.Select(deploy => deploy!).Reverse()];
    }

    private async Task CheckHistoryAsync(Ledger ledger)
    {
        var history = await HistoryAsync(ledger);
        for (var i = 0; i < Math.Min(history.Count, ledger.Rows.Count); i++)
            CheckRow(ledger.Rows[i], history[i]);
        ViolationException.Require(history.Count >= ledger.Rows.Count, "I1", $"{ledger.Rows.Count - history.Count} deploys are gone");
        ViolationException.Require(history.Count == ledger.Rows.Count, "I3", $"there are {history.Count} deploys instead of {ledger.Rows.Count}");
    }

    private static void CheckRow(LedgerRow row, JsonNode found)
    {
        ViolationException.Require(found["id"]!.GetValue<string>() == row.Id, "I1", $"{row.Id} is not in its place");
        var status = found["status"]!.GetValue<string>();
        ViolationException.Require(status == (row.Snapshot is null ? "INITIALIZED" : "DEPLOYED"), "I1", $"{row.Id} is {status}");
        ViolationException.Require(found["rollbackFromId"]?.GetValue<string>() == row.RollbackFrom, "I1", $"{row.Id} is a rollback to another deploy");
        if (row.Snapshot is null)
            return;
        var dags = found["dagTarballVersion"]?.GetValue<string>();
        ViolationException.Require(dags == row.Snapshot.GetValueOrDefault("dags")?.Version, "I1", $"{row.Id} has the DAGs {dags}");
        var bundles = found["bundles"]!.AsArray().ToDictionary(bundle => bundle!["mountPath"]!.GetValue<string>(), bundle => bundle!["desiredVersion"]!.GetValue<string>());
        var wanted = row.Snapshot.Where(mount => mount.Key != "dags").ToDictionary(mount => "/usr/local/airflow/" + mount.Key, mount => mount.Value.Version);
        ViolationException.Require(bundles.Count == wanted.Count && wanted.All(mount => bundles.GetValueOrDefault(mount.Key) == mount.Value), "I1",
            $"{row.Id} has the bundles {found["bundles"]}");
    }

    /// <summary>Asks as an agent does, and reads every content that the revision names.</summary>
    private async Task CheckStateAsync(Ledger ledger)
    {
        var state = await StateAsync(ledger);
        ViolationException.Require(state.Revision >= ledger.Revision, "I1", $"the revision is {state.Revision}, the last one acknowledged {ledger.Revision}");
        ViolationException.Require(state.Revision == ledger.Revision, "I3", $"the revision is {state.Revision} after {ledger.Revision} finalizes and rollbacks");
        ViolationException.Require(state.Mounts.Count == ledger.State.Count, "I2", $"revision {state.Revision} has {state.Mounts.Count} mounts, not {ledger.State.Count}");
        foreach (var mount in state.Mounts)
        {
            ViolationException.Require(ledger.State.TryGetValue(mount.Path, out var upload) && upload.Version == mount.Version, "I2",
                $"revision {state.Revision} has {mount.Version} at {mount.Path}, not {upload?.Version}");
            await CheckContentAsync(ledger, mount, upload!);
        }
    }

    private async Task<DesiredState> StateAsync(Ledger ledger)
    {
        if (!_enrolled.TryGetValue(ledger.Id, out var agent))
        {
            var answer = await site.Api.PostAsync(AgentRoutes.Enroll, JsonSerializer.Serialize(new EnrollRequest
            {
                InstanceId = EntityId.New(TimeProvider.System),
                Host = "rig",
                Component = "observer",
                AgentVersion = "0",
            }, AgentJson.Default.EnrollRequest), ledger.AgentToken);
            Api.Must(answer, "enrol");
            agent = _enrolled[ledger.Id] = JsonSerializer.Deserialize(answer.Text, AgentJson.Default.EnrollResponse)!;
        }
        var bytes = await site.Api.ReadAsync($"{AgentRoutes.State}?agentId={agent.AgentId}&wait=0", ledger.AgentToken);
        return DesiredState.Verify(JsonSerializer.Deserialize(bytes, AgentJson.Default.StateResponse)!.State, agent.SigningKey);
    }

    private async Task CheckContentAsync(Ledger ledger, DesiredMount mount, Uploaded upload)
    {
        try
        {
            var diff = ManifestDiff.Parse(await site.Api.ReadAsync(AgentRoutes.Manifests + mount.Manifest, ledger.AgentToken));
            var manifest = diff.ApplyTo(null);
            ViolationException.Require(manifest.Digest == Digest.Parse(mount.Manifest), "I2", $"{mount.Path} has the manifest {manifest.Digest}");
            ViolationException.Require(mount.Subfolder == upload.Folder, "I2", $"{mount.Path} shows the subfolder '{mount.Subfolder}'");
            var packs = new Dictionary<string, byte[]>(StringComparer.Ordinal);
            var found = new Dictionary<string, byte[]>(StringComparer.Ordinal);
            foreach (var entry in manifest.Entries.Where(entry => !entry.IsDirectory))
            {
                var place = diff.Locations[entry.Content];
                if (!packs.TryGetValue(place.PackId, out var pack))
                {
                    packs[place.PackId] = pack = await site.Api.ReadAsync(AgentRoutes.Packs + place.PackId, ledger.AgentToken);
                    PackReader.ReadIndex(new MemoryStream(pack));
                }
                var content = new MemoryStream();
                PackReader.CopyVerified(new MemoryStream(pack, (int)place.Offset, (int)place.Length), entry.Size, entry.Content, content);
                found[upload.Folder is null ? entry.Path : entry.Path[(upload.Folder.Length + 1)..]] = content.ToArray();
            }
            var difference = upload.Tree.Difference(found);
            ViolationException.Require(difference is null, "I2", $"{mount.Path} at {mount.Version}: {difference}");
        }
        catch (Exception exception) when (exception is InvalidDataException or KeyNotFoundException or ArgumentException)
        {
            throw new ViolationException("I2", string.Create(CultureInfo.InvariantCulture, $"{mount.Path} at {mount.Version}: {exception.Message}"));
        }
    }
}
