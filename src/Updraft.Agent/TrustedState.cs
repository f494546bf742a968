using System.Text.Json;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// The newest state that the agent has accepted, in <c>.updraft/agent.json</c> and its copy. It decides which state documents the agent
/// accepts. An accepted state is durable before it can become visible, so a restart cannot disable the rollback protection.
/// </summary>
internal sealed class TrustedState
{
    /// <summary>Fast-forward protection: largest step of the revision or epoch, so a forged number cannot block later ones.</summary>
    public const long MaxJump = 1_000_000;

    /// <summary>Largest accepted error of this host's clock.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly string _path, _copy;
    private readonly TimeProvider _clock;
    private readonly IReadOnlyList<string> _serverKeys;
    private readonly Func<bool> _reclaim;
    private readonly UnixFileMode _mode;
    private AgentRecord _record;

    /// <summary>
    /// Reads the files, or starts with an empty record if both are missing. Even then, the agent rejects revisions below the active one.
    /// </summary>
    /// <param name="root">Root with the files.</param>
    /// <param name="active">State that Airflow sees; null for none.</param>
    /// <param name="options">Options with the host and the accepted server keys.</param>
    /// <param name="reclaim">Frees space on a full disk. Returns false if it freed none.</param>
    /// <param name="log">Log of the agent.</param>
    /// <param name="clock">Clock for the freshness of states.</param>
    /// <exception cref="AgentExitException">78: the files are damaged, and no option names the server's key.</exception>
    public TrustedState(AgentRoot root, StateRecord? active, AgentOptions options, Func<bool> reclaim, AgentLog log, TimeProvider clock)
    {
        (_path, _copy, _clock) = (Path.Join(root.Own, "agent.json"), Path.Join(root.Own, "agent.json.bak"), clock);
        (_serverKeys, _reclaim, _mode) = (options.ServerKeys, reclaim, root.PrivateMode);
        var (file, copy) = (Read(_path, log), Read(_copy, log));
        var found = new[] { file, copy }.OfType<AgentRecord>()
            .OrderByDescending(record => (record.Epoch, record.Revision)).FirstOrDefault();
        if (found is null && (Exists(_path) || Exists(_copy)) && _serverKeys.Count == 0)
            throw new AgentExitException(ExitCode.Configuration, $"'{_path}' and its copy are damaged, so the key of the server is "
                + "unknown. The agent does not trust a new key by itself. Restore a file, name the key with --server-key, or remove "
                + "both files to trust the next server that accepts the token. The mounted files stay.");
        if (found is null && active is not null)
            log.Error("trusted_state_lost", ("consequence", _serverKeys.Count > 0
                ? "The mounted files stay. The agent enrolls again with a key of --server-key."
                : "The mounted files stay. The agent enrolls again and trusts the key that the server sends."));
        _record = found ?? new AgentRecord { InstanceId = EntityId.New(clock) };
        var identity = AgentIdentity.Read(root, options.Host);
        if (_record.Identity is { } earlier && identity.DifferenceTo(earlier) is { } difference)
        {
            log.Warning("root_copied", ("reason", $"The root is a copy, or it moved: {difference}."), ("agentId", _record.AgentId),
                ("consequence", "The agent enrolls as a new agent, so that it does not hide the earlier one."));
            _record = _record with { InstanceId = EntityId.New(clock), AgentId = null };
        }
        _record = _record with { Identity = identity };
        if (active is not null && (active.Epoch, active.Revision).CompareTo((_record.Epoch, _record.Revision)) > 0)
            _record = _record with { Epoch = active.Epoch, Revision = active.Revision, Content = ContentOf(active.Mounts) };
        // Without a change there is no write, so that the agent can start on a full disk.
        if (file == _record && copy == _record)
            return;
        try
        {
            Save(_record);
        }
        catch (IOException exception) when (ErrorReason.IsDiskFull(exception))
        {
            // The next accepted state is saved before it can become visible.
            log.Warning("trusted_state_unsaved", ("reason", ErrorReason.Of(exception)));
        }
    }

    public AgentRecord Record => Volatile.Read(ref _record);

    public bool IsEnrolled => Record.AgentId is not null;

    /// <summary>Stores the server's response to an enrollment. The first enrollment pins the key (trust on first use).</summary>
    /// <exception cref="AgentExitException">78: this root belongs to another key, Organization or Deployment.</exception>
    /// <exception cref="InvalidDataException">The response has an invalid id or key.</exception>
    public void Enroll(EnrollResponse response)
    {
        if (!EntityId.IsValid(response.AgentId) || !EntityId.IsValid(response.OrganizationId) || !EntityId.IsValid(response.DeploymentId))
            throw new InvalidDataException("The response to the enrollment has an invalid id. An id is 'c' and 24 letters or digits.");
        response.SigningKey.Check();
        lock (_gate)
        {
            if (_serverKeys.Count > 0 && !_serverKeys.Contains(response.SigningKey.KeyId, StringComparer.Ordinal))
                throw new AgentExitException(ExitCode.Configuration, $"The server signs with the key {response.SigningKey.KeyId}, "
                    + $"but --server-key accepts only {string.Join(", ", _serverKeys)}. Check that --server is the right server. "
                    + "If you replaced its key on purpose, add the new one to --server-key.");
            // An operator who lists two keys replaces one by the other on purpose.
            if (_record.SigningKey is { } pinned && pinned != response.SigningKey && _serverKeys.Count == 0)
                throw new AgentExitException(ExitCode.Configuration, $"The server signs with the key {response.SigningKey.KeyId}, "
                    + $"but this root trusts the key {pinned.KeyId}. A root accepts one key only. "
                    + "If you replaced the server's key on purpose, remove .updraft/agent.json and .updraft/agent.json.bak.");
            if ((_record.OrganizationId ?? response.OrganizationId, _record.DeploymentId ?? response.DeploymentId)
                != (response.OrganizationId, response.DeploymentId))
                throw new AgentExitException(ExitCode.Configuration, $"The token is for Deployment {response.DeploymentId}, but "
                    + $"this root belongs to Deployment {_record.DeploymentId}. A root serves one Deployment. "
                    + "Use the token of that Deployment, or another --root.");
        }
        Change(record => record with
        {
            AgentId = response.AgentId,
            OrganizationId = response.OrganizationId,
            DeploymentId = response.DeploymentId,
            SigningKey = response.SigningKey,
        });
    }

    /// <summary>Verifies a document and stores its revision durably.</summary>
    /// <exception cref="InvalidDataException">
    /// The signature, Deployment, revision or freshness is not acceptable. The message has the reason.
    /// </exception>
    public DesiredState Accept(string document)
    {
        lock (_gate)
        {
            var key = _record.SigningKey ?? throw new InvalidOperationException("The agent is not enrolled.");
            var state = DesiredState.Verify(document, key);
            var content = ContentOf(state.Mounts);
            if (Problem(state, content) is { } problem)
                throw new InvalidDataException($"The state of epoch {state.Epoch}, revision {state.Revision} {problem}.");
            if ((state.Epoch, state.Revision) != (_record.Epoch, _record.Revision) || _record.Content is null)
                Save(_record with { Epoch = state.Epoch, Revision = state.Revision, Content = content });
            return state;
        }
    }

    /// <summary>Changes the record. The change is durable when the method returns.</summary>
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
            return $"is for Deployment {state.DeploymentId}, but this root belongs to {_record.DeploymentId}";
        if (state.Epoch < _record.Epoch || state.Epoch == _record.Epoch && state.Revision < _record.Revision)
            return $"is older than epoch {_record.Epoch}, revision {_record.Revision}, which this root accepted before. "
                + "After the restore of a backup, raise the server's epoch (Agents:Epoch)";
        if (state.Revision - (state.Epoch == _record.Epoch ? _record.Revision : 0) > MaxJump || state.Epoch - _record.Epoch > MaxJump)
            return $"is more than {MaxJump} ahead of epoch {_record.Epoch}, revision {_record.Revision}";
        if ((state.Epoch, state.Revision) == (_record.Epoch, _record.Revision) && (_record.Content ?? content) != content)
            return "has other mounts than it had before. After the restore of a backup, raise the server's epoch (Agents:Epoch)";
        // Freshness applies to received documents only. Mounted files stay, independent of the clock.
        return state.ExpiresAt < _clock.GetUtcNow() - ClockTolerance
            ? $"expired at {state.ExpiresAt:u}, and the clock of this host is at {_clock.GetUtcNow():u}. If the clock is wrong, correct it"
            : null;
    }

    private static string ContentOf(IReadOnlyList<DesiredMount> mounts) =>
        Digest.Of(JsonSerializer.SerializeToUtf8Bytes(mounts, AgentFilesJson.Default.IReadOnlyListDesiredMount)).ToString();

    private void Save(AgentRecord record)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(record, AgentFilesJson.Default.AgentRecord);
        Write(_path, bytes);
        Write(_copy, bytes);
        Volatile.Write(ref _record, record);
    }

    private void Write(string path, byte[] bytes)
    {
        try
        {
            AtomicFile.Write(path, bytes, _mode);
        }
        catch (IOException exception) when (ErrorReason.IsDiskFull(exception) && _reclaim())
        {
            AtomicFile.Write(path, bytes, _mode);
        }
    }

    /// <summary>Whether the file exists. A symbolic link is not from the agent, and the next write replaces it.</summary>
    private static bool Exists(string path) => FileStatus.Find(path) is { IsRegular: true };

    private static AgentRecord? Read(string path, AgentLog log)
    {
        try
        {
            var record = Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), AgentFilesJson.Default.AgentRecord) : null;
            return record is null || EntityId.IsValid(record.InstanceId) && record is { Epoch: >= 0, Revision: >= 0 }
                ? record
                : throw new JsonException("The instance id, the epoch or the revision is invalid.");
        }
        catch (UnauthorizedAccessException)
        {
            throw new AgentExitException(ExitCode.Configuration, $"'{path}' belongs to the user {FileStatus.Find(path)?.Owner}, and the "
                + $"agent runs as the user {Posix.EffectiveUser}, who may not read it. Make the file readable for this user.");
        }
        catch (JsonException exception)
        {
            log.Error("trusted_state_damaged", ("path", path), ("reason", exception.Message));
            return null;
        }
    }
}
