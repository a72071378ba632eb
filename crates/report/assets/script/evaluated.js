"use strict";

// The page of `bakeoff evaluate`: everything can be read without scripts.

themeSwitch();
