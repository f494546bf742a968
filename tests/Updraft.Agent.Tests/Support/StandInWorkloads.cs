using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Updraft.Agent.Tests.Support;

/// <summary>Behavior of the pods of an image.</summary>
internal enum PodFate
{
    /// <summary>The pods become ready.</summary>
    Ready,

    /// <summary>The image cannot be pulled, and the rollout has no deadline.</summary>
    Broken,

    /// <summary>The image cannot be pulled, and the rollout exceeds its progress deadline.</summary>
    BrokenAndLate,
}

/// <summary>
/// A stand-in for the objects and controllers of a cluster. Workloads have two replicas. The status of a rollout changes in steps, each with
/// a new resource version, and each after a watch has sent the step before. There are pods of the images, and warnings about pods that do
/// not become ready. Like a real one, a StatefulSet replaces no pod before the last replaced one is ready.
/// </summary>
internal sealed class StandInWorkloads : IAsyncDisposable
{
    private const int Replicas = 2;
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Resource, string Name), JsonObject> _objects = [];
    private readonly List<(long Version, string Resource, JsonObject Change)> _history = [];
    private readonly Dictionary<string, string> _brokenPods = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _watched = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _controllers = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _version = 100, _compacted;

    /// <summary>Behavior of pods by their image.</summary>
    public Func<string, PodFate> Fate { get; set; } = image => image.Contains("broken", StringComparison.Ordinal) ? PodFate.Broken : PodFate.Ready;

    /// <summary>Called after each change of a status, with the name of the workload. It can change objects.</summary>
    public Action<string>? Progressed { get; set; }

    /// <summary>Whether the controllers do nothing.</summary>
    public bool IsAsleep { get; set; }

    /// <summary>Adds a workload whose rollout is done.</summary>
    /// <param name="resource"><c>deployments</c> or <c>statefulsets</c>.</param>
    /// <param name="name">Name of the workload.</param>
    /// <param name="component">Value of the label <c>component</c>. Other labels are those of the release <c>prod</c>.</param>
    /// <param name="containers">Containers as NAME=IMAGE, and init containers as init:NAME=IMAGE.</param>
    public void Add(string resource, string name, string component, params string[] containers)
    {
        lock (_gate)
        {
            var labels = new JsonObject { ["tier"] = "airflow", ["release"] = "prod", ["component"] = component };
            var workload = new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = name, ["uid"] = $"uid-{name}", ["generation"] = 1, ["labels"] = labels.DeepClone() },
                ["spec"] = new JsonObject
                {
                    ["replicas"] = Replicas,
                    ["selector"] = new JsonObject { ["matchLabels"] = labels.DeepClone() },
                    ["template"] = new JsonObject
                    {
                        ["metadata"] = new JsonObject { ["labels"] = labels.DeepClone() },
                        ["spec"] = new JsonObject
                        {
                            ["initContainers"] = Of(containers.Where(container => container.StartsWith("init:", StringComparison.Ordinal))),
                            ["containers"] = Of(containers.Where(container => !container.StartsWith("init:", StringComparison.Ordinal))),
                        },
                    },
                },
                ["status"] = new JsonObject
                {
                    ["observedGeneration"] = 1,
                    ["replicas"] = Replicas,
                    ["updatedReplicas"] = Replicas,
                    ["readyReplicas"] = Replicas,
                    ["availableReplicas"] = Replicas,
                    ["currentRevision"] = "r1",
                    ["updateRevision"] = "r1",
                },
            };
            _objects[(resource, name)] = workload;
            Changed(resource, "ADDED", workload);
        }

        static JsonArray Of(IEnumerable<string> containers) => [.. containers.Select(container => container.Replace("init:", "", StringComparison.Ordinal)
            .Split('=', 2)).Select(parts => new JsonObject { ["name"] = parts[0], ["image"] = parts[1] })];
    }

    /// <summary>Images of all containers of a workload, in one line.</summary>
    public string Images(string resource, string name)
    {
        lock (_gate)
            return string.Join(' ', Containers(_objects[(resource, name)]).Select(container => $"{container["name"]}={container["image"]}"));
    }

    public JsonObject? Get(string resource, string name)
    {
        lock (_gate)
            return _objects.TryGetValue((resource, name), out var found) ? (JsonObject)found.DeepClone() : null;
    }

    public JsonNode List(string resource, string selector)
    {
        lock (_gate)
        {
            return new JsonObject
            {
                ["metadata"] = new JsonObject { ["resourceVersion"] = Text(_version) },
                ["items"] = new JsonArray([.. _objects.Where(entry => entry.Key.Resource == resource && StandInSelector.Matches(entry.Value, selector))
                    .Select(entry => entry.Value.DeepClone())]),
            };
        }
    }

    /// <summary>Changes a workload as another client. A changed template starts a rollout.</summary>
    public void Change(string resource, string name, Action<JsonObject> change)
    {
        lock (_gate)
        {
            var workload = _objects[(resource, name)];
            var before = workload["spec"]!.ToJsonString();
            change(workload);
            if (workload["spec"]!.ToJsonString() != before)
                workload["metadata"]!["generation"] = (int)workload["metadata"]!["generation"]! + 1;
            Changed(resource, "MODIFIED", workload);
            if (workload["spec"]!.ToJsonString() != before && !IsAsleep)
                _controllers.Add(Task.Run(() => RollOutAsync(resource, workload, (int)workload["metadata"]!["generation"]!)));
        }
    }

    /// <summary>Sets the image of a container as another client.</summary>
    public void SetImage(string resource, string name, string container, string image) =>
        Change(resource, name, workload => Containers(workload).Single(one => (string?)one["name"] == container)["image"] = image);

    public void Delete(string resource, string name)
    {
        lock (_gate)
        {
            _objects.Remove((resource, name), out var workload);
            Changed(resource, "DELETED", workload!);
        }
    }

    /// <summary>Applies the parts of a strategic merge patch that the driver uses: annotations, and images by container name.</summary>
    public (int Code, JsonObject? Patched) Patch(string resource, string name, JsonObject patch)
    {
        lock (_gate)
        {
            if (!_objects.TryGetValue((resource, name), out var workload))
                return (404, null);
            if (patch["metadata"]?["resourceVersion"] is { } expected && (string?)expected != (string?)workload["metadata"]!["resourceVersion"])
                return (409, null);
            Change(resource, name, target =>
            {
                var annotations = target["metadata"]!["annotations"] as JsonObject ?? [];
                foreach (var (key, value) in patch["metadata"]?["annotations"] as JsonObject ?? [])
                {
                    annotations.Remove(key);
                    if (value is not null)
                        annotations[key] = value.DeepClone();
                }
                target["metadata"]!["annotations"] = annotations.DeepClone();
                foreach (var list in new[] { "initContainers", "containers" })
                {
                    foreach (var container in patch["spec"]?["template"]?["spec"]?[list] as JsonArray ?? [])
                        target["spec"]!["template"]!["spec"]![list]!.AsArray().Single(one => (string?)one!["name"] == (string?)container!["name"])!["image"] =
                            (string?)container!["image"];
                }
            });
            return (200, (JsonObject)workload.DeepClone());
        }
    }

    /// <summary>Discards the history, so that a watch from an earlier version must list again.</summary>
    public void Compact()
    {
        lock (_gate)
        {
            _history.Clear();
            _compacted = _version;
        }
    }

    public async IAsyncEnumerable<JsonNode> WatchAsync(string resource, string selector, long version, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            List<(long Version, string Resource, JsonObject Change)> news;
            Task changed;
            lock (_gate)
            {
                if (version < _compacted)
                    news = [(version, resource, new JsonObject { ["type"] = "ERROR", ["object"] = new JsonObject { ["code"] = 410, ["message"] = "too old resource version" } })];
                else
                    news = [.. _history.Where(entry => entry.Version > version && entry.Resource == resource)];
                changed = _changed.Task;
            }
            foreach (var (at, _, change) in news)
            {
                if ((string?)change["type"] == "ERROR")
                {
                    yield return change;
                    yield break;
                }
                version = at;
                if (StandInSelector.Matches((JsonObject)change["object"]!, selector))
                    yield return change;
            }
            lock (_gate)
            {
                if (_watched.GetValueOrDefault(resource) < version)
                {
                    _watched[resource] = version;
                    Signal();
                }
            }
            yield return new JsonObject { ["type"] = "BOOKMARK", ["object"] = new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = Text(version) } } };
            await changed.WaitAsync(cancellationToken);
        }
    }

    public JsonNode Pods(string selector)
    {
        lock (_gate)
            return new JsonObject { ["items"] = new JsonArray([.. _objects.Values.Where(workload => StandInSelector.Matches(workload, selector)).SelectMany(PodsOf)]) };
    }

    public JsonNode Events()
    {
        lock (_gate)
        {
            return new JsonObject
            {
                // Each event occurs twice, because a real cluster repeats them.
                ["items"] = new JsonArray([.. _brokenPods.Keys.Concat(_brokenPods.Keys).Select(name => new JsonObject
                {
                    ["involvedObject"] = new JsonObject { ["name"] = $"{name}-pod", ["uid"] = $"uid-{name}-pod" },
                    ["reason"] = "Failed",
                    ["message"] = $"Failed to pull the image of {name}-pod",
                })]),
            };
        }
    }

    public void DeletePod(string name)
    {
        lock (_gate)
        {
            _brokenPods.Remove(name.Replace("-pod", "", StringComparison.Ordinal));
            Signal();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_controllers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RollOutAsync(string resource, JsonObject workload, int generation)
    {
        var (isSet, name) = (resource == "statefulsets", (string)workload["metadata"]!["name"]!);
        if (isSet && await WaitForUnblockedAsync(workload, name))
            return;
        var fate = Fate(MainImage(workload));
        if (!await StepAsync(status => (status["observedGeneration"], status["updatedReplicas"], status["availableReplicas"], status["readyReplicas"], status["replicas"],
                status["updateRevision"]) = (generation, 0, Replicas, Replicas, Replicas, $"r{generation}"))
            || !await StepAsync(status => (status["updatedReplicas"], status["replicas"], status["readyReplicas"]) = (1, isSet ? Replicas : Replicas + 1, isSet ? 1 : Replicas)))
            return;
        lock (_gate)
        {
            _brokenPods.Remove(name);
            if (fate != PodFate.Ready)
                _brokenPods[name] = MainImage(workload);
        }
        if (fate == PodFate.BrokenAndLate)
        {
            await StepAsync(status => status["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = "Progressing",
                ["status"] = "False",
                ["reason"] = "ProgressDeadlineExceeded",
                ["message"] = $"ReplicaSet \"{name}\" has timed out progressing.",
                ["lastUpdateTime"] = $"time-{generation}",
            }));
        }
        if (fate != PodFate.Ready || !await StepAsync(status => status["readyReplicas"] = Replicas) || !await StepAsync(status => (status["updatedReplicas"], status["readyReplicas"]) = (Replicas, 1)))
            return;
        await StepAsync(status =>
        {
            (status["replicas"], status["readyReplicas"], status["availableReplicas"]) = (Replicas, Replicas, Replicas);
            status["currentRevision"] = status["updateRevision"]!.DeepClone();
            status.Remove("conditions");
        });

        async Task<bool> StepAsync(Action<JsonObject> change)
        {
            await WaitForWatchAsync(resource, workload);
            lock (_gate)
            {
                if (_stop.IsCancellationRequested || (int)workload["metadata"]!["generation"]! != generation || !_objects.ContainsKey((resource, name)))
                    return false;
                change((JsonObject)workload["status"]!);
                Changed(resource, "MODIFIED", workload);
            }
            Progressed?.Invoke(name);
            return true;
        }
    }

    private async Task WaitForWatchAsync(string resource, JsonObject workload)
    {
        while (!_stop.IsCancellationRequested)
        {
            Task changed;
            lock (_gate)
            {
                if (_watched.GetValueOrDefault(resource) >= long.Parse((string)workload["metadata"]!["resourceVersion"]!, CultureInfo.InvariantCulture))
                    return;
                changed = _changed.Task;
            }
            await changed.WaitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Waits while a pod of an earlier rollout blocks the new one. True if the stand-in ends in the meantime.</summary>
    private async Task<bool> WaitForUnblockedAsync(JsonObject workload, string name)
    {
        while (!_stop.IsCancellationRequested)
        {
            Task changed;
            lock (_gate)
            {
                if (!_brokenPods.ContainsKey(name))
                    return false;
                if ((int)workload["status"]!["observedGeneration"]! != (int)workload["metadata"]!["generation"]!)
                {
                    workload["status"]!["observedGeneration"] = (int)workload["metadata"]!["generation"]!;
                    Changed("statefulsets", "MODIFIED", workload);
                }
                changed = _changed.Task;
            }
            await changed.WaitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return true;
    }

    /// <summary>Creates the pod that does not become ready, and one that does.</summary>
    private IEnumerable<JsonNode> PodsOf(JsonObject workload)
    {
        var name = (string)workload["metadata"]!["name"]!;
        if (_brokenPods.TryGetValue(name, out var broken))
        {
            yield return Pod($"{name}-pod", broken, "False", new JsonObject
            {
                ["waiting"] = new JsonObject { ["reason"] = "ImagePullBackOff", ["message"] = $"Back-off pulling image \"{broken}\"" },
            });
        }
        if (Fate(MainImage(workload)) == PodFate.Ready)
            yield return Pod($"{name}-ready", MainImage(workload), "True", new JsonObject { ["running"] = new JsonObject() });

        static JsonObject Pod(string name, string image, string isReady, JsonObject state) => new()
        {
            ["metadata"] = new JsonObject { ["name"] = name, ["uid"] = $"uid-{name}" },
            ["spec"] = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["name"] = "main", ["image"] = image }) },
            ["status"] = new JsonObject
            {
                ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = isReady }),
                ["containerStatuses"] = new JsonArray(new JsonObject { ["name"] = "main", ["state"] = state }),
            },
        };
    }

    private void Changed(string resource, string type, JsonObject workload)
    {
        workload["metadata"]!["resourceVersion"] = Text(++_version);
        _history.Add((_version, resource, new JsonObject { ["type"] = type, ["object"] = workload.DeepClone() }));
        Signal();
    }

    private void Signal()
    {
        _changed.SetResult();
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private static IEnumerable<JsonNode> Containers(JsonObject workload)
    {
        var pod = workload["spec"]!["template"]!["spec"]!;
        return pod["initContainers"]!.AsArray().Concat(pod["containers"]!.AsArray()).Select(container => container!);
    }

    private static string MainImage(JsonObject workload) => (string)workload["spec"]!["template"]!["spec"]!["containers"]![0]!["image"]!;

    private static string Text(long version) => version.ToString(CultureInfo.InvariantCulture);
}
