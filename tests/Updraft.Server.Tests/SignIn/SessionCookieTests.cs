using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Updraft.Server.Security;
using Updraft.Server.SignIn;

namespace Updraft.Server.Tests.SignIn;

public sealed class SessionCookieTests
{
    /// <summary>
    /// <see cref="SignInServices.UseSignIn"/> turns off the framework's authentication middleware by a key of the framework that is not
    /// documented. The middleware would set <see cref="IAuthenticationFeature"/> and read the cookie of every request.
    /// </summary>
    [Fact]
    public async Task Session_cookie_does_not_authenticate_API_requests()
    {
        await using var server = await UpdraftServer.StartAsync(addRoutes: app => app.MapGet("/probe", (HttpContext context) =>
            $"{context.User.Identity?.IsAuthenticated} {context.Features.Get<IAuthenticationFeature>() is null}").AllowAnonymous());
        var (user, _, _) = await server.AddUserAsync("cookie@example.org");
        await using var scope = server.Services.CreateAsyncScope();
        var session = await scope.ServiceProvider.GetRequiredService<WebSessions>().BeginAsync(
            new Subject(SubjectKind.User, user, "cookie", new(server.OrganizationId), []), SessionEvents.Provider,
            TestContext.Current.CancellationToken);
        var options = server.Services.GetRequiredService<IOptionsMonitor<CookieAuthenticationOptions>>()
            .Get(CookieAuthenticationDefaults.AuthenticationScheme);
        var principal = new ClaimsPrincipal(new ClaimsIdentity([new Claim(SignInServices.UserClaim, user), new Claim(SignInServices.SessionClaim, session)], "updraft"));
        var cookie = $"{options.Cookie.Name}={options.TicketDataFormat.Protect(new AuthenticationTicket(principal, CookieAuthenticationDefaults.AuthenticationScheme))}";

        async Task<(HttpStatusCode Status, string Text)> GetAsync(string path)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Add("Cookie", cookie);
            using var response = await server.Anonymous.SendAsync(request, TestContext.Current.CancellationToken);
            return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        // The web UI identifies the user, who has no role for Deployments. A visitor without a session would be sent to the sign-in.
        Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync("/deployments")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync("/v1/users/self")).Status);
        Assert.Equal((HttpStatusCode.OK, "False True"), await GetAsync("/probe"));
    }
}
