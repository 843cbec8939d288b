// Makes one call to every API with the types that openapi-typescript has made of its document.
// It prints a line for each: the API, the status and a value of the typed answer. The
// environment has the addresses and the credentials.
import createClient from "openapi-fetch";
import type { paths as Admin } from "./admin";
import type { paths as Iiniit } from "./iiniit";
import type { paths as Imin } from "./imin";
import type { paths as Imkit } from "./imkit";
import type { paths as Mindkey } from "./mindkey";
import type { paths as Optimove } from "./optimove";

declare const process: { env: Record<string, string> };

// at returns the address of an API and its credential, as a header in the vendor's scheme.
const at = (api: string, header: string, scheme = "") => ({
  baseUrl: process.env["URL_" + api],
  headers: { [header]: scheme + process.env["KEY_" + api] },
});

const admin = createClient<Admin>(at("admin", "Authorization", "Bearer "));
const keys = await admin.GET("/v1/namespaces/{ns}/keys", { params: { path: { ns: "default" } } });
console.log("admin", keys.response.status, keys.data?.items.length);

const imin = createClient<Imin>(at("imin", "X-API-KEY"));
const series = await imin.GET("/events-api/v2/event-series/{id}", { params: { path: { id: "loremfitsum-1001" } } });
console.log("imin", series.response.status, series.data?.name);

const mindkey = createClient<Mindkey>(at("mindkey", "Authorization", "ApiKey-v2 "));
const employees = await mindkey.GET("/odata/v2/Employee", {});
console.log("mindkey", employees.response.status, employees.data?.value.length);

const imkit = createClient<Imkit>(at("imkit", "IM-API-KEY"));
const count = await imkit.GET("/admin/connection-count", {});
console.log("imkit", count.response.status, count.data?.RC);

const optimove = createClient<Optimove>(at("optimove", "X-API-KEY"));
const stages = await optimove.GET("/model/GetLifecycleStageList", {});
console.log("optimove", stages.response.status, stages.data?.length);

const iiniit = createClient<Iiniit>(at("iiniit", "Authorization", "ApiKey "));
const echo = await iiniit.GET("/resource", {});
console.log("iiniit", echo.response.status, echo.data !== undefined);
