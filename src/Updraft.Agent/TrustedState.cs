using System.Security.Cryptography;
using System.Text.Json;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// <c>.updraft/agent.json</c> and its copy. Decides which state documents are believed, and is durable before anything
/// that was believed can become visible, so that no restart makes the agent take an older revision for news.
/// </summary>
internal sealed class TrustedState
{
    /// <summary>Furthest that one document may advance the revision: a stolen number must not use up all later ones.</summary>
    public const long MaxJump = 1_000_000;

    /// <summary>How wrong this machine's clock may be.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly string _path, _copy;
    private readonly TimeProvider _clock;
    private AgentRecord _record;

    /// <summary>
    /// Reads the files, or starts anew when neither can be read. What is active is never undercut, even when they are lost.
    /// </summary>
    public TrustedState(AgentRoot root, StateRecord? active, AgentLog log, TimeProvider clock)
    {
        (_path, _copy, _clock) = (Path.Join(root.Own, "agent.json"), Path.Join(root.Own, "agent.json.bak"), clock);
        var (file, copy) = (Read(_path, log), Read(_copy, log));
        var found = new[] { file, copy }.OfType<AgentRecord>()
            .OrderByDescending(record => (record.Epoch, record.Revision)).FirstOrDefault();
        if (found is null && (active is not null || File.Exists(_path) || File.Exists(_copy)))
            log.Error("memory_lost", ("consequence", "what is mounted stays; the agent enrols anew and trusts the key that it is told"));
        _record = found ?? new AgentRecord { InstanceId = EntityId.New(clock) };
        if (active is not null && (active.Epoch, active.Revision).CompareTo((_record.Epoch, _record.Revision)) > 0)
            _record = _record with { Epoch = active.Epoch, Revision = active.Revision, Content = ContentOf(active.Mounts) };
        // A full disk must not keep an agent from starting that has nothing to write.
        if (file != _record || copy != _record)
            Save(_record);
    }

    public AgentRecord Record => Volatile.Read(ref _record);

    public bool IsEnrolled => Record.AgentId is not null;

    /// <summary>Takes what the server answered to an enrolment.</summary>
    /// <exception cref="AgentExitException">78: this root belongs to another key, Organization or Deployment.</exception>
    /// <exception cref="InvalidDataException">The answer is no enrolment.</exception>
    public void Enroll(EnrollResponse answer)
    {
        if (!EntityId.IsValid(answer.AgentId) || !EntityId.IsValid(answer.OrganizationId) || !EntityId.IsValid(answer.DeploymentId))
            throw new InvalidDataException("The answer to the enrolment has ids that are none.");
        answer.SigningKey.ToECDsa().Dispose();
        lock (_gate)
        {
            if (_record.SigningKey is { } pinned && pinned != answer.SigningKey)
                throw new AgentExitException(ExitCode.Configuration, $"The server signs with the key {answer.SigningKey.KeyId}, "
                    + $"but this root trusts {pinned.KeyId}. If the server was set up anew on purpose, remove .updraft/agent.json "
                    + "and .updraft/agent.json.bak.");
            if ((_record.OrganizationId ?? answer.OrganizationId, _record.DeploymentId ?? answer.DeploymentId)
                != (answer.OrganizationId, answer.DeploymentId))
                throw new AgentExitException(ExitCode.Configuration, $"The token is for Deployment {answer.DeploymentId}, but "
                    + $"this root belongs to Deployment {_record.DeploymentId}. Use that Deployment's token, or another --root.");
            Save(_record with
            {
                AgentId = answer.AgentId,
                OrganizationId = answer.OrganizationId,
                DeploymentId = answer.DeploymentId,
                SigningKey = answer.SigningKey,
            });
        }
    }

    /// <summary>Verifies a document and remembers its revision.</summary>
    /// <exception cref="InvalidDataException">It is not to be believed; the message says why.</exception>
    public DesiredState Accept(string document)
    {
        lock (_gate)
        {
            var state = DesiredState.Verify(document, _record.SigningKey ?? throw new InvalidOperationException("Not enrolled."));
            var content = ContentOf(state.Mounts);
            if (Problem(state, content) is { } problem)
                throw new InvalidDataException($"The state of epoch {state.Epoch}, revision {state.Revision} {problem}.");
            if ((state.Epoch, state.Revision) != (_record.Epoch, _record.Revision) || _record.Content is null)
                Save(_record with { Epoch = state.Epoch, Revision = state.Revision, Content = content });
            return state;
        }
    }

    /// <summary>Remembers something about images; durable when this returns.</summary>
    public void Change(Func<AgentRecord, AgentRecord> change)
    {
        lock (_gate)
        {
            if (change(_record) is var changed && changed != _record)
                Save(changed);
        }
    }

    private string? Problem(DesiredState state, string content)
    {
        if (state.OrganizationId != _record.OrganizationId || state.DeploymentId != _record.DeploymentId)
            return $"is for Deployment {state.DeploymentId}";
        if (state.Epoch < _record.Epoch || state.Epoch == _record.Epoch && state.Revision < _record.Revision)
            return $"is older than epoch {_record.Epoch}, revision {_record.Revision}, which was accepted before";
        if (state.Revision - (state.Epoch == _record.Epoch ? _record.Revision : 0) > MaxJump || state.Epoch - _record.Epoch > MaxJump)
            return $"is more than {MaxJump} ahead of epoch {_record.Epoch}, revision {_record.Revision}";
        if ((state.Epoch, state.Revision) == (_record.Epoch, _record.Revision) && (_record.Content ?? content) != content)
            return "names other mounts than it did before; after restoring a backup the server must raise the epoch";
        // What runs goes on running whatever the clock says; only news must be fresh.
        return state.ExpiresAt < _clock.GetUtcNow() - ClockTolerance
            ? $"expired at {state.ExpiresAt:u}, and this machine's clock says {_clock.GetUtcNow():u}; if that is wrong, correct the clock"
            : null;
    }

    private static string ContentOf(IReadOnlyList<DesiredMount> mounts) => Convert.ToHexStringLower(
        SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(mounts, AgentFilesJson.Default.IReadOnlyListDesiredMount)));

    private void Save(AgentRecord record)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(record, AgentFilesJson.Default.AgentRecord);
        AtomicFile.Write(_path, bytes);
        AtomicFile.Write(_copy, bytes);
        Volatile.Write(ref _record, record);
    }

    private static AgentRecord? Read(string path, AgentLog log)
    {
        try
        {
            var record = File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), AgentFilesJson.Default.AgentRecord) : null;
            return record is null || EntityId.IsValid(record.InstanceId) && record is { Epoch: >= 0, Revision: >= 0 }
                ? record
                : throw new JsonException("The instance id or a number is wrong.");
        }
        catch (JsonException exception)
        {
            log.Error("memory_damaged", ("path", path), ("reason", exception.Message));
            return null;
        }
    }
}
