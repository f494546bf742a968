using System.Diagnostics.Metrics;

namespace Updraft.Server.Telemetry;

/// <summary>Rounds of the work that no request asks for.</summary>
internal static class BackgroundWork
{
    public const string ExpireUploads = "expire_uploads", DeleteOldImages = "delete_old_images", RecordWaitingHeartbeats = "see_waiting_agents",
        ListenForRevisions = "listen_for_revisions", NoteTokenUse = "note_token_use", ExpireEvents = "expire_events",
        ExpireDeliveries = "expire_deliveries";

    private static readonly Counter<long> Runs = Instrumentation.Meter.CreateCounter<long>("updraft.background.runs", "{run}",
        "Rounds of work that no request asks for, by what it is and how it ended.");

    public static void Succeeded(string work) => Add(1, work, "ok");

    public static void Failed(string work) => Add(1, work, "failed");

    public static void Begin()
    {
        foreach (var work in (string[])[ExpireUploads, DeleteOldImages, RecordWaitingHeartbeats, ListenForRevisions, NoteTokenUse, ExpireEvents, ExpireDeliveries])
        {
            Add(0, work, "ok");
            Add(0, work, "failed");
        }
    }

    private static void Add(int count, string work, string result) => Runs.Add(count, new("work", work), new("result", result));
}
