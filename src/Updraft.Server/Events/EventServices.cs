using Updraft.Server.Telemetry;

namespace Updraft.Server.Events;

internal static class EventServices
{
    public static void AddEvents(this WebApplicationBuilder builder)
    {
        builder.Services.AddHttpContextAccessor();
        builder.Services.AddScoped<EventLog>();
        builder.Services.AddOptions<EventOptions>().BindConfiguration(EventOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddScoped<AuditLog>();
        builder.Services.AddHostedService<ExpireEvents>();
        builder.Services.AddBackgroundWork(ExpireEvents.WorkName);
    }
}
