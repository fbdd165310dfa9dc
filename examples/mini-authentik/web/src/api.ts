import { Configuration, NotesApi, RootApi } from "@mini/api";

const configuration = new Configuration({ basePath: "" });

export const notes = () => new NotesApi(configuration);
export const root = () => new RootApi(configuration);
